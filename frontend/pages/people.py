"""A person's page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from frontend.contexts.person import person_context
from hub.accounts.queries import person_named


@require_safe
def person(request: HttpRequest, username: str) -> HttpResponse:
    """Who somebody is, with what they share."""
    page = person_context(request.user, person_named(username))
    return render(request, "people/person.html", {"page": page, "nav": ""})


urlpatterns = [path("people/<str:username>/", person, name="person")]
