"""Where one was named: comments, newest first; opening the page marks them as read."""

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from frontend.access import signed_in
from frontend.contexts.mentions import mentions_context
from frontend.rendering import render_page
from frontend.requests import MemberRequest
from models_registry.services.comments import mark_mentions_read


@require_safe
@signed_in
def mentions(request: MemberRequest) -> HttpResponse:
    """Comments that name this person, on models that they may open."""
    page = mentions_context(viewer=request.user, cursor=request.GET.get("cursor", ""))
    context = {"page": page, "nav": "models"}
    partial = "items" if "cursor" in request.GET else ""
    answer = render_page(request, "models/mentions.html", context, partial=partial)
    mark_mentions_read(actor=request.user)
    return answer


urlpatterns = [path("mentions/", mentions, name="mentions")]
