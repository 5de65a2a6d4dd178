"""The page of our own API, made from its schema."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from frontend.contexts.api_docs import api_docs
from frontend.requests import PageRequest


@require_safe
def docs(request: PageRequest) -> HttpResponse:
    """Every address, what it takes and what it gives."""
    return render(request, "api_docs.html", {"page": api_docs(), "nav": ""})


urlpatterns = [path("api/v2/docs/", docs, name="api_docs")]
