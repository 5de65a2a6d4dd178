"""The page of one training run: complete when it loads; the socket only adds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from frontend.contexts.components import Label
from frontend.contexts.grid import can_draw_grid
from frontend.contexts.preset_words import preset_name
from frontend.contexts.run_charts import curves_of
from frontend.contexts.run_log import LogLine, log_lines, stage_words
from frontend.contexts.run_samples import SampleTable, sample_table
from frontend.templatetags.words import decimal, duration, number, size
from hub.accounts.models import User
from training.jobs.failure_words import FailureText, failure_text
from training.jobs.grid_queries import grids_of
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.grid import PreviewGrid
from training.jobs.models.job import LEASED, Job, State
from training.jobs.permissions import can_control_job, can_publish_job
from training.jobs.queries import (
    PlaceInLine,
    artifacts_of,
    place_in_line,
    places_in_line,
    prepared_at,
)

NEXT_SHOWN = 4
STATE_KINDS = {
    State.QUEUED: "info",
    State.RUNNING: "live",
    State.CANCELING: "warn",
    State.PAUSED: "warn",
    State.CANCELED: "",
    State.SUCCEEDED: "ok",
    State.FAILED: "danger",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the way through a run; `state` is done, now or later."""

    label: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One saved checkpoint; `is_lowest` states a fact about the loss, never a judgement."""

    artifact: JobArtifact
    label: str
    loss: str
    is_lowest: bool
    url: str
    publish_url: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done with the run now."""

    label: str
    url: str
    icon: str
    kind: str = ""
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class RunContext:
    """`/runs/<number>/`."""

    job: Job
    badge: Label
    is_live: bool
    stages: list[Stage]
    place: PlaceInLine | None
    facts: dict[str, str]
    ends_at: datetime | None
    samples: SampleTable
    checkpoints: list[Checkpoint]
    settings: list[tuple[str, str]]
    actions: list[Action]
    log: list[LogLine]
    next_jobs: list[Job]
    can_control: bool
    grids: list[PreviewGrid] = field(default_factory=list)
    failure: FailureText | None = None
    live: dict[str, Any] = field(default_factory=dict)
    held_out_loss: str = ""


def run_context(viewer: User, job: Job) -> RunContext:
    """Everything the page prints; a constant number of queries."""
    now = timezone.now()
    curves = curves_of(job)
    return RunContext(
        job=job,
        badge=Label(str(job.get_state_display()), STATE_KINDS[State(job.state)]),
        is_live=not job.is_final,
        stages=list(_stages(job)),
        place=place_in_line(job, now) if job.state == State.QUEUED else None,
        facts=_facts(job, now),
        ends_at=_ends_at(job, now),
        samples=sample_table(job),
        checkpoints=_checkpoints(viewer, job),
        settings=list(_settings(job)),
        actions=list(_actions(viewer, job)),
        log=log_lines(job),
        next_jobs=_next(job, now),
        can_control=can_control_job(viewer, job),
        grids=list(grids_of(job)),
        failure=failure_of(job),
        live={
            "socket": f"/ws/jobs/{job.pk}/",
            "after": job.last_sequence,
            "name": job.name,
            "total": job.total_steps,
            "epochs": job.total_epochs,
            "isFinal": job.is_final,
            "startedAt": job.started_at.isoformat() if job.started_at else None,
            **curves,
        },
        held_out_loss=f"{curves['heldLosses'][-1]:.4f}" if curves["heldLosses"] else "",
    )


def sentence_of(job: Job) -> str:
    """Who trains what on what: the line under the title."""
    dataset = job.snapshot.dataset
    base = job.base_version.model.name if job.base_version else _("base model")
    images = ngettext("%(n)d image", "%(n)d images", job.snapshot.item_count) % {
        "n": job.snapshot.item_count
    }
    return " · ".join([job.get_method_display(), base, dataset.name, images])


def _rate(learning_rate: float) -> str:
    """Two digits and a power of ten, as the page's script writes it: 2.7e-4."""
    digits, _e, power = f"{learning_rate:.1e}".partition("e")
    return f"{digits}e{int(power):+d}"


def failure_of(job: Job) -> FailureText | None:
    """Why the run stopped, in the reader's language; None when nothing went wrong."""
    if not job.error_code and not job.error_message:
        return None
    return failure_text(job.error_code, job.error_params, job.error_message)


def _stages(job: Job) -> Iterable[Stage]:
    order = ["queued", "prepare", "train", "ready"]
    labels = [_("Queued"), _("Prepared"), _("Training"), _("Ready to publish")]
    at = _stage_index(job)
    for place, (name, label) in enumerate(zip(order, labels, strict=True)):
        state = "done" if place < at else "now" if place == at else "later"
        yield Stage(label, state, _stage_note(job, name, state))


def _stage_index(job: Job) -> int:
    if job.state == State.SUCCEEDED:
        return 3
    if job.state == State.QUEUED and not job.step:
        return 0
    return 2 if job.step or job.stage in ("training", "sampling", "saving", "exporting") else 1


def _stage_note(job: Job, name: str, state: str) -> str:
    if name == "queued" and job.started_at:
        return duration((job.started_at - job.created_at).total_seconds())
    if name == "train" and job.was_stopped:
        said = {"step": number(job.step), "total": number(job.total_steps)}
        return _("stopped and kept at step %(step)s of %(total)s") % said
    if name == "train" and state == "now" and job.total_epochs:
        return _("epoch %(now)d of %(all)d") % {"now": max(job.epoch, 1), "all": job.total_epochs}
    if name == "prepare" and state == "done" and job.started_at:
        ready_at = prepared_at(job)
        return duration((ready_at - job.started_at).total_seconds()) if ready_at else ""
    if name == "prepare" and state == "now":
        return stage_words().get(job.stage, "")
    return ""


def _facts(job: Job, now: datetime) -> dict[str, str]:
    end = job.finished_at or now
    elapsed = (end - job.started_at).total_seconds() if job.started_at else None
    running = job.state in LEASED
    speed = job.steps_per_second if job.steps_per_second else None
    return {
        "left": duration(job.eta_seconds) if running and job.eta_seconds is not None else "–",
        "elapsed": duration(elapsed) if elapsed is not None else "–",
        "speed": f"{speed:.2f} it/s" if speed else "–",
        "loss": f"{job.loss:.4f}" if job.loss is not None else "–",
        "rate": _rate(job.learning_rate) if job.learning_rate is not None else "–",
        "memory": size(job.memory_bytes) if job.memory_bytes else "–",
    }


def _ends_at(job: Job, now: datetime) -> datetime | None:
    if job.state not in LEASED or job.eta_seconds is None:
        return None
    return now + timedelta(seconds=job.eta_seconds)


def _checkpoints(viewer: User, job: Job) -> list[Checkpoint]:
    artifacts = list(artifacts_of(job, ArtifactKind.CHECKPOINT))
    losses = [artifact.loss for artifact in artifacts if artifact.loss is not None]
    lowest = min(losses) if len(losses) > 1 else None
    publish = reverse("publish_run", args=[job.number]) if can_publish_job(viewer, job) else ""
    return [
        Checkpoint(
            artifact=artifact,
            label=_("Final") if artifact.is_final else _("Epoch %d") % artifact.epoch,
            loss=f"{artifact.loss:.4f}" if artifact.loss is not None else "",
            is_lowest=lowest is not None and artifact.loss == lowest,
            url=reverse("run_file", args=[job.number, artifact.pk]),
            publish_url=f"{publish}?checkpoint={artifact.pk}" if publish else "",
        )
        for artifact in reversed(artifacts)
    ]


def _settings(job: Job) -> Iterable[tuple[str, str]]:
    config = job.config
    network = config.get("network") or {}
    if job.preset:
        yield _("Preset"), preset_name(job.preset)
    if job.method == "lora":
        alpha = network.get("alpha") or max(1, network.get("dim", 0) / 2)
        yield _("Network dim / alpha"), f"{network.get('dim')} / {decimal(alpha)}"
    yield _("Epochs"), str(config.get("epochs") or job.total_epochs or "–")
    yield _("Batch"), str(config.get("batch_size"))
    yield _("Learning rate"), str(config.get("learning_rate"))
    yield _("Optimizer"), str(config.get("optimizer"))
    yield _("Scheduler"), str(config.get("scheduler"))
    yield _("Resolution"), f"{config.get('resolution')} px"
    yield _("Seed"), str(config.get("seed"))


def _actions(viewer: User, job: Job) -> Iterable[Action]:
    if can_publish_job(viewer, job):
        url = reverse("publish_run", args=[job.number])
        yield Action(_("Publish"), url, "send", "primary", is_link=True)
    if not can_control_job(viewer, job):
        return
    for name, label, icon, kind, states in (
        ("pause", _("Pause"), "pause", "", (State.RUNNING,)),
        ("stop", _("Stop and keep"), "square", "danger", (State.RUNNING,)),
        ("cancel", _("Cancel"), "x", "danger", (State.QUEUED, State.PAUSED)),
        ("resume", _("Resume"), "play", "primary", (State.PAUSED,)),
        ("retry", _("Resume from the last state"), "rotate-ccw", "primary", (State.FAILED,)),
    ):
        if job.state in states:
            yield Action(label, reverse("run_action", args=[job.number, name]), icon, kind)
    if can_draw_grid(viewer, job):
        url = reverse("grid_new", args=[job.number])
        yield Action(_("Make preview grid"), url, "grid-3x3", is_link=True)
    if job.is_final:
        url = f"{reverse('train')}?again={job.number}"
        yield Action(_("Train again"), url, "rotate-ccw", is_link=True)


def _next(job: Job, now: datetime) -> list[Job]:
    places = places_in_line(now)
    ids = sorted(places, key=lambda pk: places[pk].place)[:NEXT_SHOWN]
    found = Job.objects.filter(pk__in=ids, team=job.team).select_related("owner")
    rows = {row.pk: row for row in found}
    return [rows[pk] for pk in ids if pk in rows and pk != job.pk]
