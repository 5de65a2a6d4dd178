"""Pictures of a version: sent from its edit page, put first, taken off."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from frontend.access import require_visible, signed_in
from frontend.forms.upload import upload_id
from frontend.pages.models import own_version
from frontend.requests import MemberRequest
from frontend.toasts import errors_as_toast
from models_registry.services.covers import add_uploaded_cover, remove_cover, show_first

ACTIONS = {"first": show_first, "remove": remove_cover}


@require_POST
@signed_in
def add(request: MemberRequest, version_id: int) -> HttpResponse:
    """Take a picture that was sent; the script reloads the page afterwards."""
    version = own_version(request, version_id)
    cover = add_uploaded_cover(
        actor=request.user, version=version, upload_id=upload_id(request.POST)
    )
    return JsonResponse({"id": cover.pk}, status=201)


@require_POST
@signed_in
def act(request: MemberRequest, version_id: int, cover_id: int, action: str) -> HttpResponse:
    """Put a picture first, or take it off."""
    version = own_version(request, version_id)
    change = require_visible(ACTIONS.get(action))
    with errors_as_toast(request):
        change(actor=request.user, version=version, cover_id=cover_id)
    return redirect(reverse("version_edit", args=[version.pk]) + "#pictures")


urlpatterns = [
    path("models/versions/<int:version_id>/pictures/", add, name="version_picture_add"),
    path(
        "models/versions/<int:version_id>/pictures/<int:cover_id>/<slug:action>/",
        act,
        name="version_picture",
    ),
]
