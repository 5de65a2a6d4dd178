"""Like, hide, follow, note: buttons of the model page; and the page of what one follows."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import signed_in
from frontend.contexts.following import following_context
from frontend.pages.models import show_again
from frontend.requests import MemberRequest, own_address
from frontend.toasts import add_toast
from models_registry.models.engagement import EngagementKind
from models_registry.queries import model_alone
from models_registry.services.engagement import (
    follow_person,
    follow_tag,
    set_engagement,
    write_note,
)


@require_POST
@signed_in
def engage(request: MemberRequest, slug: str, kind: str) -> HttpResponse:
    """Switch a like, the hiding or the following of a model to what the form says."""
    found = model_alone(viewer=request.user, slug=slug)
    is_on = request.POST.get("on") == "1"
    set_engagement(actor=request.user, model=found, kind=kind, is_on=is_on)
    if kind == EngagementKind.HIDE and is_on:
        message = _("%s is hidden from your lists. You find it under Hidden.") % found.name
        add_toast(request, message, undo_url=reverse("model_unhide", args=[slug]))
    elif kind == EngagementKind.HIDE:
        _say_shown(request, found.name)
    elif kind == EngagementKind.FOLLOW:
        text = _("You follow %s.") if is_on else _("You no longer follow %s.")
        add_toast(request, text % found.name, kind="ok")
    return show_again(request, slug)


@require_POST
@signed_in
def unhide(request: MemberRequest, slug: str) -> HttpResponse:
    """Take the hiding back, also from the toast."""
    found = model_alone(viewer=request.user, slug=slug)
    set_engagement(actor=request.user, model=found, kind=EngagementKind.HIDE, is_on=False)
    _say_shown(request, found.name)
    return show_again(request, slug)


def _say_shown(request: MemberRequest, name: str) -> None:
    add_toast(request, _("%s is in your lists again.") % name, kind="ok")


@require_POST
@signed_in
def note(request: MemberRequest, slug: str) -> HttpResponse:
    """Keep what one wrote down for oneself."""
    found = model_alone(viewer=request.user, slug=slug)
    write_note(actor=request.user, model=found, text=request.POST.get("text", ""))
    add_toast(request, _("Your note is saved. Nobody else sees it."), kind="ok")
    return show_again(request, slug)


@require_POST
@signed_in
def person(request: MemberRequest, username: str) -> HttpResponse:
    """Follow somebody's models, or no longer."""
    is_on = request.POST.get("on") == "1"
    found = follow_person(actor=request.user, username=username, is_on=is_on)
    text = _("You follow %s.") if is_on else _("You no longer follow %s.")
    add_toast(request, text % found.public_name, kind="ok")
    slug = request.POST.get("model", "")
    if slug:
        return show_again(request, slug)
    return redirect(_way_back(request) or reverse("person", args=[found.username]))


@require_POST
@signed_in
def tag(request: MemberRequest) -> HttpResponse:
    """Follow a tag, or no longer."""
    is_on = request.POST.get("on") == "1"
    found = follow_tag(actor=request.user, name=request.POST.get("tag", ""), is_on=is_on)
    text = _("You follow the tag %s.") if is_on else _("You no longer follow the tag %s.")
    add_toast(request, text % found.name, kind="ok")
    return redirect(_way_back(request) or "following")


def _way_back(request: MemberRequest) -> str:
    return own_address(request, request.POST.get("next", ""))


@require_safe
@signed_in
def following(request: MemberRequest) -> HttpResponse:
    """New models of whom and what one follows."""
    context = {"page": following_context(request.user), "nav": "models"}
    return render(request, "models/following.html", context)


urlpatterns = [
    path("following/", following, name="following"),
    path("following/tags/", tag, name="tag_follow"),
    path("following/people/<str:username>/", person, name="person_follow"),
    path("models/<slug:slug>/unhide/", unhide, name="model_unhide"),
    path("models/<slug:slug>/note/", note, name="model_note"),
    path("models/<slug:slug>/engage/<str:kind>/", engage, name="model_engage"),
]
