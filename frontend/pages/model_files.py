"""What a file holds, tensor by tensor; and where a version stands among others."""

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import signed_in
from frontend.contexts.model_files import told_labels
from frontend.contexts.model_lineage import lineage_context
from frontend.contexts.model_tensors import tensors_context
from frontend.form_errors import errors_on
from frontend.forms.file_facts import FileFactsForm, MoreFilesForm
from frontend.forms.model_edit import add_more_files
from frontend.pages.models import own_version, version_url
from frontend.requests import MemberRequest, PageRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast, errors_as_toast
from models_registry.queries import file_of, version_detail
from models_registry.services.conversion import request_conversion
from models_registry.services.file_facts import describe_file
from models_registry.services.files import make_primary, remove_file, rescan_file

MAX_QUERY = 100


@require_safe
def tensors(request: PageRequest, file_id: int) -> HttpResponse:
    """Names, shapes and number formats from the file's header."""
    file = file_of(viewer=request.user, file_id=file_id)
    query = request.GET.get("q", "").strip()[:MAX_QUERY]
    page = tensors_context(viewer=request.user, file=file, query=query)
    return render(request, "models/tensors.html", {"page": page, "nav": "models"})


@require_safe
def lineage(request: PageRequest, version_id: int) -> HttpResponse:
    """What the version was made from, and what was made from it."""
    version = version_detail(viewer=request.user, version_id=version_id)
    page = lineage_context(viewer=request.user, version=version)
    return render(request, "models/lineage.html", {"page": page, "nav": "models"})


@require_POST
@signed_in
def convert(request: MemberRequest, file_id: int) -> HttpResponse:
    """Have a pickle converted to safetensors."""
    file = file_of(viewer=request.user, file_id=file_id)
    with errors_as_toast(request):
        request_conversion(actor=request.user, file=file)
        add_toast(request, _("The file is being converted; the new one appears beside it."))
    return redirect(version_url(file.version))


@require_POST
@signed_in
def rescan(request: MemberRequest, file_id: int) -> HttpResponse:
    """Look at a file's bytes again."""
    return _done(request, file_id, rescan_file)


@require_POST
@signed_in
def primary(request: MemberRequest, file_id: int) -> HttpResponse:
    """Make a file the one that a plain download gives."""
    return _done(request, file_id, make_primary)


@require_POST
@signed_in
def remove(request: MemberRequest, file_id: int) -> HttpResponse:
    """Take a file out of its version."""
    return _done(request, file_id, remove_file)


@signed_in
@sent_once
def more(request: MemberRequest, version_id: int) -> HttpResponse:
    """Put files beside those that a version has."""
    version = own_version(request, version_id)
    form = MoreFilesForm(request.POST or None)
    back = version_url(version)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            add_more_files(request.user, version, form.cleaned_data)
            add_toast(request, _("The files are being checked; then others may have them."))
            return redirect(back)
    context = {"form": form, "version": version, "back": back, "nav": "models"}
    status = 422 if form.errors else 200
    return render(request, "models/files_new.html", context, status=status)


@signed_in
def describe(request: MemberRequest, file_id: int) -> HttpResponse:
    """Say what a file is, where its bytes do not."""
    file = file_of(viewer=request.user, file_id=file_id)
    own_version(request, file.version_id)
    form = FileFactsForm.of(file, request.POST or None)
    back = version_url(file.version)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            describe_file(actor=request.user, file=file, facts=form.facts(file))
            add_toast(request, _("Saved."), kind="ok")
            return redirect(back)
    context = {"form": form, "file": file, "back": back, "told": told_labels(file), "nav": "models"}
    status = 422 if form.errors else 200
    return render(request, "models/file_edit.html", context, status=status)


def _done(request: MemberRequest, file_id: int, service: Callable[..., object]) -> HttpResponse:
    file = file_of(viewer=request.user, file_id=file_id)
    with errors_as_toast(request):
        service(actor=request.user, file=file)
    return redirect(version_url(file.version))


urlpatterns = [
    path("models/versions/<int:version_id>/files/new/", more, name="version_files_new"),
    path("models/files/<int:file_id>/edit/", describe, name="model_file_edit"),
    path("models/files/<int:file_id>/rescan/", rescan, name="model_file_rescan"),
    path("models/files/<int:file_id>/primary/", primary, name="model_file_primary"),
    path("models/files/<int:file_id>/remove/", remove, name="model_file_remove"),
    path("models/files/<int:file_id>/convert/", convert, name="model_file_convert"),
    path("models/files/<int:file_id>/tensors/", tensors, name="model_file_tensors"),
    path("models/versions/<int:version_id>/lineage/", lineage, name="model_lineage"),
]
