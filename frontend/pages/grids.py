"""Preview grids of a run: ask for one, watch its cells come, take an epoch and weight from it."""

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_allowed, require_visible, signed_in
from frontend.contexts.grid import can_draw_grid, grid_context, grid_form
from frontend.form_errors import errors_on
from frontend.forms.grid import GridForm
from frontend.rendering import render_page
from frontend.requests import MemberRequest
from frontend.sent_once import sent_once
from frontend.toasts import errors_as_toast
from training.jobs.grid_queries import grid_for
from training.jobs.models.artifact import ArtifactKind
from training.jobs.models.grid import PreviewGrid
from training.jobs.models.job import Job
from training.jobs.queries import artifacts_of, job_for
from training.jobs.services import grids

ACTIONS = {"cancel": grids.cancel_grid, "retry": grids.retry_grid}


@signed_in
@sent_once
def new(request: MemberRequest, number: int) -> HttpResponse:
    """Choose what is drawn."""
    job = job_for(request.user, number)
    message = _("Only the owner of the run and managers of the team can do this.")
    require_allowed(allowed=can_draw_grid(request.user, job), message=message, team=job.team)
    form = grid_form(job, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            grid = _request(request, job, form)
            return redirect("grid", grid_id=grid.pk)
    context = {"job": job, "form": form, "nav": "training"}
    return render(request, "runs/grid_new.html", context, status=422 if form.is_bound else 200)


@require_safe
@signed_in
def grid(request: MemberRequest, grid_id: uuid.UUID) -> HttpResponse:
    """The grid; for htmx its cells as they are now."""
    page = grid_context(request.user, grid_for(request.user, grid_id))
    context = {"page": page, "nav": "training"}
    return render_page(request, "runs/grid.html", context, partial="cells")


@require_POST
@signed_in
def act(request: MemberRequest, grid_id: uuid.UUID, action: str) -> HttpResponse:
    """Draw no more, or draw what is missing."""
    found = grid_for(request.user, grid_id)
    with errors_as_toast(request):
        require_visible(ACTIONS.get(action))(actor=request.user, grid=found)
    return redirect("grid", grid_id=found.pk)


def _request(request: MemberRequest, job: Job, form: GridForm) -> PreviewGrid:
    data = form.cleaned_data
    chosen = set(data["checkpoints"])
    rows = artifacts_of(job, ArtifactKind.CHECKPOINT)
    axes = grids.GridAxes(
        checkpoints=[row for row in rows if str(row.pk) in chosen],
        prompts=data["prompts"],
        weights=data.get("weights", [1.0]),
        guidances=data["guidances"],
        seeds=data["seeds"],
    )
    return grids.request_grid(actor=request.user, job=job, axes=axes)


urlpatterns = [
    path("runs/<int:number>/grids/new/", new, name="grid_new"),
    path("grids/<uuid:grid_id>/", grid, name="grid"),
    path("grids/<uuid:grid_id>/do/<slug:action>/", act, name="grid_action"),
]
