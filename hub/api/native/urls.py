"""Routes of our own API, /api/v2/; uploads are answered before Django, in hub/asgi.py."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
]
