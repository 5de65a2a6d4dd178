"""From a finished run to a published model: one page, one action."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from frontend.access import require_allowed, signed_in
from frontend.contexts.publish_run import PublishContext, publish_context
from frontend.form_errors import errors_on
from frontend.forms.publish import PublishForm, weight_of
from frontend.pages.models import version_url
from frontend.requests import MemberRequest
from frontend.toasts import add_toast
from hub.core.errors import Invalid
from models_registry.models.version import ModelVersion
from models_registry.services.values import Weight
from training.jobs.models.job import Job, Method
from training.jobs.permissions import can_publish_job
from training.jobs.queries import job_for
from training.jobs.services.publish import publish_job


@signed_in
def publish_run(request: MemberRequest, number: int) -> HttpResponse:
    """Choose checkpoint, words and covers; publish."""
    job = job_for(request.user, number)
    message = _("Only the owner of a finished run and managers of the team can publish it.")
    allowed = can_publish_job(request.user, job)
    require_allowed(allowed=allowed, message=message, team=job.team)
    given = request.POST if request.method == "POST" else request.GET
    page = publish_context(job, checkpoint=given.get("checkpoint", ""))
    form = _form(job, request)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            version = _publish(request, job, page, form)
            add_toast(request, _("%s is published.") % version.model.name, kind="ok")
            return redirect(version_url(version))
    context = {"page": page, "form": form, "nav": "training"}
    status = 422 if form.is_bound else 200
    return render(request, "runs/publish.html", context, status=status)


def _form(job: Job, request: MemberRequest) -> PublishForm:
    trigger = job.snapshot.dataset.trigger_word
    initial = {"name": job.name.replace("_", " "), "trigger_words": trigger}
    has_weight = job.method in (Method.LORA, Method.HYPERNETWORK)
    if weight := weight_of(request.GET.get("weight", "")):
        initial["weight"] = weight
    return PublishForm(request.POST or None, has_weight=has_weight, initial=initial)


def _publish(
    request: MemberRequest, job: Job, page: PublishContext, form: PublishForm
) -> ModelVersion:
    chosen = page.chosen
    if chosen is None:
        raise Invalid(_("This run has no checkpoint to publish."))
    wanted = set(request.POST.getlist("cover"))
    covers = [sample for sample in page.samples if str(sample.artifact.pk) in wanted]
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
        covers=[sample.artifact for sample in covers],
    )


urlpatterns = [path("runs/<int:number>/publish/", publish_run, name="publish_run")]
