"""The training wizard: one page, four steps, a summary that follows."""

from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from frontend.access import team_work_required
from frontend.contexts.train import Draft, config_of, read_draft, settings_form
from frontend.contexts.train_draft import (
    address_of,
    draft_data,
    draft_key,
    has_moved_on,
    open_draft,
    set_aside,
    shown_choices,
    typed_changes,
    wanted_choices,
    without_usual,
)
from frontend.contexts.train_wizard import WizardContext, wizard_context
from frontend.form_errors import errors_on
from frontend.rendering import render_page
from frontend.requests import TeamRequest
from frontend.sent_once import sent_once
from hub.accounts.drafts import drop_draft, save_draft
from hub.core.errors import Invalid
from training.jobs.models.job import Job
from training.jobs.services.submit import submit_job


@team_work_required
@sent_once
def train(request: TeamRequest) -> HttpResponse:
    """Show the wizard for the choices in the address, or start the run."""
    if request.method == "POST":
        return _start(request)
    found = open_draft(request.user, request.team, request.GET)
    page = wizard_context(request.user, request.team, found.draft, changes=found.changes)
    return _page(request, replace(page, saved_at=found.saved_at))


@require_POST
@team_work_required
def choose(request: TeamRequest) -> HttpResponse:
    """Another dataset, base, method or preset: its settings, with what was typed kept on top."""
    page = _chosen(request, reset=request.POST.get("reset", ""))
    answer = _page(request, page)
    answer["HX-Push-Url"] = address_of(page.draft)
    return answer


@require_POST
@team_work_required
def plan(request: TeamRequest) -> HttpResponse:
    """The summary for what the form says now; what was typed is kept as a draft."""
    draft = read_draft(request.user, request.team, request.POST)
    changes = typed_changes(draft, request.POST)
    _keep(request, draft, set_aside(request.user, request.team, draft) | changes)
    form = settings_form(draft, request.POST) if draft.dataset and draft.base else None
    page = wizard_context(request.user, request.team, draft, form=form, changes=changes)
    return render_page(request, "train/wizard.html", {"page": page}, partial="summary")


@require_POST
@team_work_required
def start_over(request: TeamRequest) -> HttpResponse:
    """Forget the draft."""
    drop_draft(user=request.user, form=draft_key(request.team))
    return redirect("train")


def _start(request: TeamRequest) -> HttpResponse:
    if has_moved_on(request.POST):
        return _page(request, replace(_chosen(request), has_moved_on=True), status=422)
    draft = read_draft(request.user, request.team, request.POST)
    form = settings_form(draft, request.POST) if draft.dataset and draft.base else None
    if form is not None and form.is_valid():
        with errors_on(form):
            job = _submit(request, draft, form.cleaned_data["name"], config_of(draft, form))
            drop_draft(user=request.user, form=draft_key(request.team))
            return redirect("run", number=job.number)
    changes = typed_changes(draft, request.POST)
    page = wizard_context(request.user, request.team, draft, form=form, changes=changes)
    return _page(request, page, status=422)


def _chosen(request: TeamRequest, *, reset: str = "") -> WizardContext:
    """The wizard for the choices just made; `reset` names a setting to take back."""
    shown = read_draft(request.user, request.team, shown_choices(request.POST))
    aside = set_aside(request.user, request.team, shown)
    changes = aside | typed_changes(shown, request.POST)
    changes.pop(reset, None)
    draft = read_draft(request.user, request.team, wanted_choices(request.POST))
    changes = without_usual(draft, changes)
    _keep(request, draft, changes)
    return wizard_context(request.user, request.team, draft, changes=changes)


def _keep(request: TeamRequest, draft: Draft, changes: dict[str, str]) -> None:
    data = draft_data(draft, changes)
    save_draft(user=request.user, form=draft_key(request.team), data=data)


def _submit(request: TeamRequest, draft: Draft, name: str, config: dict[str, object]) -> Job:
    if draft.dataset is None or draft.base is None:
        raise Invalid(_("Choose a dataset and a base model first."))
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
    path("train/choices/", choose, name="train_choices"),
    path("train/plan/", plan, name="train_plan"),
    path("train/start-over/", start_over, name="train_start_over"),
]
