"""What becomes of a model: archived and back, files deleted for good; and how its card changed."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_allowed, signed_in
from frontend.contexts.model_history import history_context
from frontend.pages.models import version_url
from frontend.requests import MemberRequest
from frontend.toasts import add_toast, errors_as_toast
from models_registry.models.model import Status
from models_registry.permissions import can_edit_model, can_read_history
from models_registry.queries import model_alone, version_detail
from models_registry.services.publish import archive_model, restore_model
from models_registry.services.tombstones import delete_files


@require_POST
@signed_in
def archive(request: MemberRequest, slug: str) -> HttpResponse:
    """Hand out no files any more, or again."""
    found = model_alone(viewer=request.user, slug=slug)
    message = _("Only the people of this model can change it.")
    allowed = can_edit_model(request.user, found)
    require_allowed(allowed=allowed, message=message, team=found.team)
    if found.status == Status.ARCHIVED:
        restore_model(actor=request.user, model=found)
        add_toast(request, _("%s is handed out again.") % found.name, kind="ok")
    else:
        archive_model(actor=request.user, model=found)
        add_toast(request, _("%s is archived. Its files are kept.") % found.name, kind="ok")
    return redirect("model", slug=slug)


@require_POST
@signed_in
def remove_files(request: MemberRequest, version_id: int) -> HttpResponse:
    """Delete the files of a published version; the dialog asked for the reason."""
    version = version_detail(viewer=request.user, version_id=version_id)
    allowed = can_edit_model(request.user, version.model)
    message = _("Only the people of this model can delete its files.")
    require_allowed(allowed=allowed, message=message, team=version.model.team)
    with errors_as_toast(request):
        delete_files(actor=request.user, version=version, reason=request.POST.get("reason", ""))
        add_toast(request, _("The files of %s are deleted.") % version.name, kind="ok")
    return redirect(version_url(version))


@require_safe
@signed_in
def history(request: MemberRequest, slug: str) -> HttpResponse:
    """Who changed the card, when, and what read differently before."""
    found = model_alone(viewer=request.user, slug=slug)
    allowed = can_read_history(request.user, found)
    message = _("Only the people of this model can read its history.")
    require_allowed(allowed=allowed, message=message, team=found.team)
    page = history_context(viewer=request.user, model=found, cursor=request.GET.get("cursor", ""))
    return render(request, "models/history.html", {"page": page, "nav": "models"})


urlpatterns = [
    path("models/<slug:slug>/archive/", archive, name="model_archive"),
    path("models/<slug:slug>/history/", history, name="model_history"),
    path(
        "models/versions/<int:version_id>/delete-files/", remove_files, name="version_delete_files"
    ),
]
