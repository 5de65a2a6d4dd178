"""From a finished run to a published model: one page, one action."""

from collections.abc import Mapping
from datetime import datetime

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from frontend.access import require_allowed, signed_in
from frontend.contexts.publish_run import PublishContext, publish_context, publish_preview
from frontend.form_errors import errors_on
from frontend.forms.publish import PublishForm, weight_of
from frontend.pages.models import version_url
from frontend.requests import MemberRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast
from hub.accounts.drafts import draft_of, drop_draft, save_draft
from hub.accounts.models import FormDraft
from hub.core.errors import Invalid
from models_registry.models.version import ModelVersion
from models_registry.services.values import Weight
from training.jobs.models.job import Job, Method
from training.jobs.permissions import can_publish_job
from training.jobs.queries import job_for
from training.jobs.services.publish import publish_job


@signed_in
@sent_once
def publish_run(request: MemberRequest, number: int) -> HttpResponse:
    """Choose checkpoint, words and covers; publish."""
    job = _job(request, number)
    draft = draft_of(request.user, draft_key(job))
    kept = _kept(draft, request.GET)
    page = _context(job, request.POST) if request.method == "POST" else _context(job, kept)
    form = _form(job, request, kept)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            version = _publish(request, job, page, form)
            drop_draft(user=request.user, form=draft_key(job))
            add_toast(request, _("%s is published.") % version.model.name, kind="ok")
            return redirect(version_url(version))
    saved_at = draft.saved_at if draft and not form.is_bound else None
    return _page(request, page, form, saved_at)


@require_POST
@signed_in
def preview(request: MemberRequest, number: int) -> HttpResponse:
    """The card for what the form says now; what was typed is kept as a draft."""
    job = _job(request, number)
    page = _context(job, request.POST)
    names = ("checkpoint", *_form(job, request, {}).fields)
    data = {name: request.POST[name] for name in names if name in request.POST}
    chosen = ",".join(str(cover.pk) for cover in page.covers)
    draft = save_draft(user=request.user, form=draft_key(job), data={**data, "covers": chosen})
    shown = publish_preview(request.user, page, request.POST, draft.saved_at)
    return render(request, "runs/publish.html#preview", {"page": page, "preview": shown})


@require_POST
@signed_in
def start_over(request: MemberRequest, number: int) -> HttpResponse:
    """Forget the draft."""
    job = _job(request, number)
    drop_draft(user=request.user, form=draft_key(job))
    return redirect("publish_run", number=job.number)


def draft_key(job: Job) -> str:
    """Name of the draft: each run has its own."""
    return f"publish:{job.pk}"


def _job(request: MemberRequest, number: int) -> Job:
    job = job_for(request.user, number)
    message = _("Only the owner of a finished run and managers of the team can publish it.")
    allowed = can_publish_job(request.user, job)
    require_allowed(allowed=allowed, message=message, team=job.team)
    return job


def _kept(draft: FormDraft | None, asked: QueryDict) -> dict[str, str]:
    """The draft with what the address asks for on top; covers belong to their checkpoint."""
    kept = dict(draft.data) if draft else {}
    if checkpoint := asked.get("checkpoint", ""):
        if checkpoint != kept.get("checkpoint"):
            kept.pop("covers", None)
        kept["checkpoint"] = checkpoint
    if weight := weight_of(asked.get("weight", "")):
        kept["weight"] = weight
    return kept


def _context(job: Job, given: Mapping[str, str]) -> PublishContext:
    covers: list[str] | None = None  # all of them
    if isinstance(given, QueryDict):
        covers = given.getlist("cover")
    elif "covers" in given:
        covers = given["covers"].split(",")
    return publish_context(job, checkpoint=given.get("checkpoint", ""), covers=covers)


def _form(job: Job, request: MemberRequest, kept: Mapping[str, str]) -> PublishForm:
    trigger = job.snapshot.dataset.trigger_word
    initial = {"name": job.name.replace("_", " "), "trigger_words": trigger, **kept}
    has_weight = job.method in (Method.LORA, Method.HYPERNETWORK)
    return PublishForm(request.POST or None, has_weight=has_weight, initial=initial)


def _page(
    request: MemberRequest, page: PublishContext, form: PublishForm, saved_at: datetime | None
) -> HttpResponse:
    typed = {name: str(form[name].value() or "") for name in form.fields}
    context = {
        "page": page,
        "form": form,
        "preview": publish_preview(request.user, page, typed),
        "restored_at": saved_at,
        "nav": "training",
    }
    status = 422 if form.is_bound else 200
    return render(request, "runs/publish.html", context, status=status)


def _publish(
    request: MemberRequest, job: Job, page: PublishContext, form: PublishForm
) -> ModelVersion:
    chosen = page.chosen
    if chosen is None:
        raise Invalid(_("This run has no checkpoint to publish."))
    data = form.cleaned_data
    band = Weight(
        default=data.get("weight"), minimum=data.get("weight_min"), maximum=data.get("weight_max")
    )
    return publish_job(
        actor=request.user,
        job=job,
        artifact=chosen,
        name=data["name"],
        trigger_words=data["trigger_words"],
        weight=None if band == Weight() else band,
        description=data["description"],
        visibility=data["visibility"],
        covers=page.covers,
    )


urlpatterns = [
    path("runs/<int:number>/publish/", publish_run, name="publish_run"),
    path("runs/<int:number>/publish/preview/", preview, name="publish_preview"),
    path("runs/<int:number>/publish/start-over/", start_over, name="publish_start_over"),
]
