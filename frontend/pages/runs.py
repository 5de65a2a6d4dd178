"""Training runs: the list, one live run, what can be done with it, its files."""

import uuid
from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_visible, signed_in, team_required
from frontend.contexts.run_log import log_words
from frontend.contexts.run_view import run_context, sentence_of
from frontend.contexts.runs import run_rows
from frontend.rendering import render_page
from frontend.requests import MemberRequest, TeamRequest
from frontend.toasts import errors_as_toast
from hub.storage.delivery import serve_blob
from training.jobs.queries import artifact_for, job_for
from training.jobs.services import lifecycle
from training.jobs.services.artifacts import pick_checkpoint

ACTIONS: dict[str, Callable[..., object]] = {
    "stop": lifecycle.request_stop,
    "pause": lifecycle.request_pause,
    "cancel": lifecycle.request_cancel,
    "resume": lifecycle.resume_job,
}


@require_safe
@team_required
def runs(request: TeamRequest) -> HttpResponse:
    """The team's runs, newest first."""
    page = run_rows(request.user, request.team, cursor=request.GET.get("cursor"))
    context = {"page": page, "nav": "training"}
    partial = "items" if request.GET.get("cursor") else ""
    return render_page(request, "runs/list.html", context, partial=partial)


@require_safe
@signed_in
def run(request: MemberRequest, number: int) -> HttpResponse:
    """One run; for htmx the part named by `part` after something changed."""
    job = job_for(request.user, number)
    page = run_context(request.user, job)
    context = {
        "page": page,
        "sentence": sentence_of(job),
        "run_words": log_words(),
        "nav": "training",
    }
    part = request.GET.get("part", "")
    name = part if part in ("top", "side", "samples") else ""
    return render_page(request, "runs/detail.html", context, partial=name)


@require_safe
@signed_in
def run_by_id(request: MemberRequest, job_id: uuid.UUID) -> HttpResponse:
    """The page of the run with this id; links in the registry know only the id."""
    return redirect("run", number=job_for(request.user, job_id).number)


@require_POST
@signed_in
def act(request: MemberRequest, number: int, action: str) -> HttpResponse:
    """Stop, pause, cancel, resume or try again."""
    job = job_for(request.user, number)
    with errors_as_toast(request):
        if action == "retry":
            job = lifecycle.retry_job(actor=request.user, job=job)
        else:
            require_visible(ACTIONS.get(action))(actor=request.user, job=job)
    return redirect("run", number=job.number)


@require_POST
@signed_in
def pick(request: MemberRequest, number: int, artifact_id: uuid.UUID) -> HttpResponse:
    """Mark a checkpoint as one's pick, or take the mark away."""
    artifact = artifact_for(request.user, artifact_id)
    pick_checkpoint(actor=request.user, artifact=artifact, picked=not artifact.is_pick)
    return redirect("run", number=number)


@require_safe
@signed_in
def file(request: MemberRequest, number: int, artifact_id: uuid.UUID) -> HttpResponseBase:
    """Download a checkpoint or sample of a run."""
    artifact = artifact_for(request.user, artifact_id)
    name = artifact.name.rpartition("/")[2]
    return serve_blob(request, artifact.blob, filename=name)


urlpatterns = [
    path("runs/", runs, name="runs"),
    path("runs/<int:number>/", run, name="run"),
    path("runs/by-id/<uuid:job_id>/", run_by_id, name="run_by_id"),
    path("runs/<int:number>/files/<uuid:artifact_id>/", file, name="run_file"),
    path("runs/<int:number>/pick/<uuid:artifact_id>/", pick, name="run_pick"),
    path("runs/<int:number>/do/<slug:action>/", act, name="run_action"),
]
