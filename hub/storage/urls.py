"""Routes of stored pictures."""

from django.urls import path

from hub.storage import views

urlpatterns = [
    path("media/<str:key>/<str:sha256>/<str:size>/<str:name>", views.picture, name="picture"),
]
