"""Requests for views that are called by themselves."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails


def page_request(headers: dict[str, str] | None = None) -> HttpRequest:
    """A request as our middleware would have it."""
    request = RequestFactory().get("/x/", headers=headers or {})
    request.user = AnonymousUser()
    request.session = {}
    request.htmx = HtmxDetails(request)
    return request
