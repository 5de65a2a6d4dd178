"""The training wizard: one page, four steps, a summary that follows."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from frontend.access import team_required
from frontend.contexts.train import (
    Draft,
    WizardContext,
    config_of,
    read_draft,
    settings_form,
    wizard_context,
)
from frontend.rendering import render_page
from frontend.requests import TeamRequest
from hub.core.errors import AtelierError
from training.jobs.models.job import Job
from training.jobs.services.submit import submit_job


@team_required
def train(request: TeamRequest) -> HttpResponse:
    """Show the wizard for the choices in the address, or start the run."""
    if request.method == "POST":
        return _start(request)
    draft = read_draft(request.user, request.team, request.GET)
    return _page(request, wizard_context(request.user, request.team, draft))


@require_POST
@team_required
def plan(request: TeamRequest) -> HttpResponse:
    """The summary for what the form says now; saves nothing."""
    draft = read_draft(request.user, request.team, request.POST)
    form = settings_form(draft, request.POST) if draft.dataset and draft.base else None
    page = wizard_context(request.user, request.team, draft, form=form)
    return render_page(request, "train/wizard.html", {"page": page}, partial="summary")


def _start(request: TeamRequest) -> HttpResponse:
    draft = read_draft(request.user, request.team, request.POST)
    form = settings_form(draft, request.POST) if draft.dataset and draft.base else None
    if form is not None and form.is_valid():
        try:
            job = _submit(request, draft, form.cleaned_data["name"], config_of(draft, form))
            return redirect("run", number=job.number)
        except AtelierError as error:
            form.add_error(None, error.message)
    page = wizard_context(request.user, request.team, draft, form=form)
    return _page(request, page, status=422)


def _submit(request: TeamRequest, draft: Draft, name: str, config: dict[str, object]) -> Job:
    if draft.dataset is None or draft.base is None:
        raise AtelierError("unreachable: the form exists only with both")
    return submit_job(
        actor=request.user,
        team=request.team,
        name=name,
        dataset=draft.dataset,
        base_version=draft.base,
        method=draft.method,
        config=config,
        preset=draft.preset_id,
    )


def _page(request: TeamRequest, page: WizardContext, *, status: int = 200) -> HttpResponse:
    context = {"page": page, "nav": "training"}
    return render_page(request, "train/wizard.html", context, partial="choices", status=status)


urlpatterns = [
    path("train/", train, name="train"),
    path("train/plan/", plan, name="train_plan"),
]
