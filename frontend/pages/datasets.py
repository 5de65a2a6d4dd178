"""Datasets: the list, a new one, and one dataset with its imports."""

import uuid

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_allowed, signed_in, team_required, team_work_required
from frontend.contexts.datasets import dataset_cards, dataset_context
from frontend.contexts.train import usual_size
from frontend.forms.datasets import DatasetEditForm, DatasetForm
from frontend.forms.seen import told_on
from frontend.rendering import render_page, wants_partial
from frontend.requests import MemberRequest, TeamRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast, errors_as_toast
from hub.accounts.queries import works_in
from hub.core.errors import Invalid
from hub.storage.delivery import serve_blob
from training.datasets.models.dataset import Dataset
from training.datasets.permissions import can_edit_dataset
from training.datasets.queries import dataset_for
from training.datasets.services.datasets import DatasetDetails, delete_dataset, update_dataset
from training.datasets.services.export import export_dataset, export_name
from training.datasets.services.importing import create_dataset, start_import


@require_safe
@team_required
def datasets(request: TeamRequest) -> HttpResponse:
    """The team's datasets."""
    cards = dataset_cards(request.user, request.team)
    can_make = works_in(request.user, request.team) or request.user.is_superuser
    context = {"cards": cards, "can_make": can_make, "nav": "datasets"}
    return render(request, "datasets/list.html", context)


@team_work_required
@sent_once
def new(request: TeamRequest) -> HttpResponse:
    """Name a dataset; its page then takes the pictures."""
    form = DatasetForm(request.POST or None, initial={"resolution": usual_size(request.user)})
    if request.method == "POST" and form.is_valid():
        made = create_dataset(actor=request.user, team=request.team, **form.cleaned_data)
        return redirect("dataset", slug=made.slug)
    context = {"form": form, "nav": "datasets"}
    return render(request, "datasets/new.html", context, status=422 if form.errors else 200)


@require_safe
@signed_in
def dataset(request: MemberRequest, slug: str) -> HttpResponse:
    """Import, checks and pictures; for htmx the part that changes while files are read."""
    found = dataset_for(request.user, slug)
    page = dataset_context(request.user, found)
    context = {"page": page, "nav": "datasets", "is_part": wants_partial(request)}
    return render_page(request, "datasets/detail.html", context, partial="content")


@require_POST
@signed_in
def take_upload(request: MemberRequest, slug: str) -> HttpResponse:
    """Read a file that has arrived into the dataset."""
    found = dataset_for(request.user, slug)
    try:
        upload_id = uuid.UUID(request.POST.get("upload", ""))
    except ValueError as error:
        raise Invalid(_("Send the file first.")) from error
    start_import(actor=request.user, dataset=found, upload_id=upload_id)
    return HttpResponse(status=204)


@signed_in
def edit(request: MemberRequest, slug: str) -> HttpResponse:
    """Change what is said about a dataset."""
    found = _editable(request, slug)
    form = DatasetEditForm.of(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        details = DatasetDetails(**form.details())
        with told_on(form):
            seen = form.cleaned_data["seen"]
            update_dataset(actor=request.user, dataset=found, details=details, seen=seen)
            add_toast(request, _("Saved."), kind="ok")
            return redirect("dataset", slug=slug)
    context = {"form": form, "dataset": found, "nav": "datasets"}
    return render(request, "datasets/edit.html", context, status=422 if form.errors else 200)


@require_POST
@signed_in
def delete(request: MemberRequest, slug: str) -> HttpResponse:
    """Take a dataset away; models trained from it keep their snapshots."""
    found = dataset_for(request.user, slug)
    with errors_as_toast(request):
        delete_dataset(actor=request.user, dataset=found)
        add_toast(request, _("The dataset %s is deleted.") % found.name)
        return redirect("datasets")
    return redirect("dataset", slug=slug)


@require_safe
@signed_in
def export(request: MemberRequest, slug: str) -> HttpResponseBase:
    """The dataset as a zip in kohya's layout."""
    found = dataset_for(request.user, slug)
    blob = export_dataset(actor=request.user, dataset=found)
    return serve_blob(request, blob, filename=export_name(found))


def _editable(request: MemberRequest, slug: str) -> Dataset:
    found = dataset_for(request.user, slug)
    message = _("Only members of the team can change this dataset.")
    allowed = can_edit_dataset(request.user, found)
    require_allowed(allowed=allowed, message=message, team=found.team)
    return found


urlpatterns = [
    path("datasets/", datasets, name="datasets"),
    path("datasets/new/", new, name="dataset_new"),
    path("datasets/<slug:slug>/", dataset, name="dataset"),
    path("datasets/<slug:slug>/import/", take_upload, name="dataset_import"),
    path("datasets/<slug:slug>/edit/", edit, name="dataset_edit"),
    path("datasets/<slug:slug>/delete/", delete, name="dataset_delete"),
    path("datasets/<slug:slug>/export/", export, name="dataset_export"),
]
