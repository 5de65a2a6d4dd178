"""A training run, from the queue to its result.

States and transitions. Each is one conditional UPDATE in services/transitions.py that names the
state it expects and must change exactly one row; there is no other way to change `state`.

    from        to          by
    ----------  ----------  -----------------------------------------------------------------
    (new)       QUEUED      submit_job, retry_job
    QUEUED      RUNNING     a worker claims it: attempt + 1, lease taken
    QUEUED      CANCELED    a person cancels it in the queue
    RUNNING     SUCCEEDED   the engine finished, or was stopped and its result kept
    RUNNING     FAILED      the engine cannot go on, or too many attempts made no progress
    RUNNING     CANCELING   a person cancels it while it runs
    CANCELING   CANCELED    the trainer has ended, or its worker is lost
    RUNNING     PAUSED      a person paused it and the trainer saved its state, or a disk is full
    PAUSED      QUEUED      a person resumes it
    RUNNING     QUEUED      the worker was lost, shut down, or failed in a way that may pass

SUCCEEDED, FAILED and CANCELED are final. Writes of a worker are fenced by (id, attempt): a worker
that lost its lease changes nothing.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.db.models.expressions import Func
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hub.accounts.models import Membership, Team, User
from hub.core.ids import uuid7
from models_registry.models.version import ModelVersion
from training.datasets.models.snapshot import Snapshot
from training.jobs.models.worker_node import Device, WorkerNode


class Method(models.TextChoices):
    """What is trained; the names of the engine."""

    LORA = "lora", "LoRA"
    DREAMBOOTH = "dreambooth", "DreamBooth"
    TEXTUAL_INVERSION = "textual_inversion", "Textual Inversion"
    HYPERNETWORK = "hypernetwork", pgettext_lazy("training method", "Hypernetwork")


class State(models.TextChoices):
    """Where a job stands; the table is in this module's docstring."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    CANCELING = "canceling", _("Canceling")
    CANCELED = "canceled", _("Canceled")
    SUCCEEDED = "succeeded", _("Done")
    FAILED = "failed", _("Failed")


TRANSITIONS: frozenset[tuple[State, State]] = frozenset(
    {
        (State.QUEUED, State.RUNNING),
        (State.QUEUED, State.CANCELED),
        (State.RUNNING, State.SUCCEEDED),
        (State.RUNNING, State.FAILED),
        (State.RUNNING, State.CANCELING),
        (State.CANCELING, State.CANCELED),
        (State.RUNNING, State.PAUSED),
        (State.PAUSED, State.QUEUED),
        (State.RUNNING, State.QUEUED),
    }
)
FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED})
LEASED = (State.RUNNING, State.CANCELING)
#: `finish_reason` of a run that was stopped before its end, with its result kept.
STOPPED = "stopped"


class Command(models.TextChoices):
    """What a person wants a running job to do; the worker passes it on."""

    STOP = "stop", _("Stop and keep")
    PAUSE = "pause", _("Pause")
    CANCEL = "cancel", _("Cancel")


class NextNumber(Func):
    """The next job number; a sequence, so that numbers are never given twice."""

    template = "nextval('jobs_job_number')"


class JobQuerySet(models.QuerySet["Job"]):
    """Vocabulary of job lists."""

    def visible_to(self, user: User | AnonymousUser) -> JobQuerySet:
        """Jobs of the person's teams and their own; administrators see all."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self.all()
        teams = Membership.objects.filter(user_id=user.pk).values("team_id")
        return self.filter(Q(owner_id=user.pk) | Q(team_id__in=teams))

    def waiting(self) -> JobQuerySet:
        """Jobs in line."""
        return self.filter(state=State.QUEUED)

    def leased(self) -> JobQuerySet:
        """Jobs that a worker holds."""
        return self.filter(state__in=LEASED)


class Job(models.Model):
    """One run; sizes in bytes, times in seconds, `at` columns UTC.

    `step` to `eta_seconds` are the last figures the engine told. `run_folder` names the folder in
    which the engine numbers its events and `engine_sequence` the last one taken from it.
    `fruitless_attempts` counts claims since the last sign of progress. `error_code` with its values
    `error_params` becomes a sentence in failure_words.py; `error_message` is the trainer's English.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(unique=True, db_default=NextNumber(), editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="jobs")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    name = models.CharField(max_length=120)
    method = models.CharField(max_length=20, choices=Method, default=Method.LORA)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="jobs")
    base_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="training_jobs"
    )
    base_sha256 = models.CharField(max_length=64, blank=True)
    config = models.JSONField()
    preset = models.CharField(max_length=40, blank=True)
    continues = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="continued_by"
    )
    priority = models.SmallIntegerField(default=0)
    min_memory_bytes = models.BigIntegerField(default=0)
    estimated_seconds = models.FloatField(null=True, blank=True)
    device_wish = models.CharField(max_length=8, choices=Device.choices, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    attempt = models.PositiveIntegerField(default=0)
    fruitless_attempts = models.PositiveIntegerField(default=0)
    worker = models.ForeignKey(
        WorkerNode, on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    requested_command = models.CharField(max_length=6, choices=Command, blank=True)

    run_folder = models.UUIDField(null=True, blank=True)
    engine_sequence = models.BigIntegerField(default=0)
    last_sequence = models.BigIntegerField(default=0)
    stage = models.CharField(max_length=40, blank=True)
    stage_detail = models.TextField(blank=True)
    step = models.PositiveIntegerField(default=0)
    total_steps = models.PositiveIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    total_epochs = models.PositiveIntegerField(default=0)
    loss = models.FloatField(null=True, blank=True)
    learning_rate = models.FloatField(null=True, blank=True)
    memory_bytes = models.BigIntegerField(null=True, blank=True)
    steps_per_second = models.FloatField(null=True, blank=True)
    eta_seconds = models.FloatField(null=True, blank=True)
    finish_reason = models.CharField(max_length=12, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    error_message = models.TextField(blank=True)
    engine_version = models.CharField(max_length=40, blank=True)
    published_version = models.ForeignKey(
        ModelVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="made_by_jobs"
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("training run")
        verbose_name_plural = _("training runs")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state_known"),
            models.CheckConstraint(condition=Q(method__in=Method.values), name="job_method_known"),
            models.CheckConstraint(
                condition=Q(state__in=LEASED, lease_until__isnull=False, attempt__gte=1)
                | (~Q(state__in=LEASED) & Q(lease_until__isnull=True)),
                name="job_lease_only_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(FINAL), finished_at__isnull=False)
                | (~Q(state__in=sorted(FINAL)) & Q(finished_at__isnull=True)),
                name="job_finished_only_in_final_states",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-priority", "queued_at", "id"],
                condition=Q(state=State.QUEUED),
                name="jobs_in_line",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state__in=LEASED), name="jobs_by_lease"
            ),
            models.Index(fields=["team", "-claimed_at"], name="jobs_claimed_of_team"),
            models.Index(fields=["owner", "-claimed_at"], name="jobs_claimed_of_owner"),
            models.Index(fields=["team", "-created_at", "-id"], name="jobs_of_team_newest"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.name}"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL

    @property
    def was_stopped(self) -> bool:
        """Whether somebody stopped it before its end and kept the result."""
        return self.finish_reason == STOPPED

    @property
    def percent(self) -> int:
        """Share of the steps done, 0 to 100; 100 only when it came to its end."""
        if self.state == State.SUCCEEDED and not self.was_stopped:
            return 100
        if not self.total_steps:
            return 0
        return min(99, self.step * 100 // self.total_steps)
