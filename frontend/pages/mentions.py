"""Where one was named or answered, newest first, and the names that can be named.

Opening the page marks what is on it as read.
"""

from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from frontend.access import signed_in
from frontend.contexts.mentions import mentions_context
from frontend.rendering import render_page
from frontend.requests import MemberRequest
from hub.accounts.queries import people_beginning
from hub.comments.services import mark_notices_read


@require_safe
@signed_in
def mentions(request: MemberRequest) -> HttpResponse:
    """Comments that name or answer this person, on what they may open."""
    page = mentions_context(viewer=request.user, cursor=request.GET.get("cursor", ""))
    context = {"page": page, "nav": ""}
    partial = "items" if "cursor" in request.GET else ""
    answer = render_page(request, "comments/mentions.html", context, partial=partial)
    mark_notices_read(actor=request.user, now=timezone.now())
    return answer


@require_safe
@signed_in
def names(request: MemberRequest) -> HttpResponse:
    """People whose user name begins with `q`, for the list under a text in which one is named."""
    found = people_beginning(request.GET.get("q", ""))
    rows = [{"username": person.username, "name": person.public_name} for person in found]
    return JsonResponse({"items": rows})


urlpatterns = [
    path("mentions/", mentions, name="mentions"),
    path("mentions/names/", names, name="person_names"),
]
