"""Putting a run in line: settings checked, dataset frozen, needs estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotFound
from hub.formats.trigger_words import with_trigger
from models_registry.models.file import FileFormat, ModelFile, ScanStatus
from models_registry.models.model import ModelType
from models_registry.models.version import ModelVersion
from training.datasets.models.dataset import Dataset
from training.datasets.models.snapshot import Snapshot
from training.datasets.services.snapshots import take_snapshot
from training.engine.config.prompt_lines import is_hash, kept_lines, split_line
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.estimate import Estimate, estimate
from training.jobs.models.job import Job, Method, State
from training.jobs.models.worker_node import Device
from training.jobs.permissions import require_control
from training.jobs.queries import live_workers
from training.jobs.services.broadcast import tell_queue
from training.jobs.services.events import record_state
from training.jobs.services.lifecycle import check_room, require_membership, wake_workers

TRAINABLE_FAMILIES = ("tiny", "sd1", "sd2", "sdxl")
NAME_CHARACTERS = 120
STAGED_BASE = "base"
USUAL_PROMPTS = 3
STAGED_MANIFEST = "dataset/manifest.json"


@dataclass(frozen=True)
class Plan:
    """What a run would be: checked settings and what they need, before anything is saved."""

    config: TrainConfig
    estimate: Estimate
    base_file: ModelFile


def submit_job(
    *,
    actor: User,
    team: Team,
    name: str,
    dataset: Dataset,
    base_version: ModelVersion,
    method: str,
    config: dict[str, Any],
    preset: str = "",
    device_wish: str = "",
) -> Job:
    """Freeze the dataset and put a run in the team's line.

    `config` holds settings of TrainConfig; paths, method and output name are filled in here.
    Raises Invalid naming every setting that does not fit, Conflict when the team's line is full.
    """
    name = clean_name(name)
    require_membership(actor, team)
    with transaction.atomic():
        check_room(team)
        snapshot = take_snapshot(actor=actor, dataset=dataset)
        plan = plan_job(
            actor=actor,
            name=name,
            snapshot=snapshot,
            base_version=base_version,
            method=method,
            config=config,
            device_wish=device_wish,
        )
        job = Job.objects.create(
            team=team,
            owner=actor,
            name=name,
            method=method,
            snapshot=snapshot,
            base_version=base_version,
            base_sha256=plan.base_file.blob.sha256,
            config=plan.config.model_dump(mode="json"),
            preset=preset,
            device_wish=device_wish,
            queued_at=timezone.now(),
            **_needs(plan),
        )
        job = record_state(job.pk)
        audit.record(actor=actor, action="job.submit", target=job, detail={"name": name})
        tell_queue(job)
        wake_workers()
    return job


def clean_name(name: str) -> str:
    """One line of at most 120 characters. Raises Invalid for anything else."""
    clean = " ".join(name.split())
    if not clean or len(clean) > NAME_CHARACTERS:
        raise Invalid(_("A run needs a name of at most %s characters.") % NAME_CHARACTERS)
    return clean


def change_waiting_job(*, actor: User, job: Job, config: dict[str, Any]) -> Job:
    """Give a run that still waits other settings; its place, data and base stay.

    Raises Invalid naming every setting that does not fit, Conflict once it has started.
    """
    require_control(actor, job)
    if job.base_version is None:
        raise Conflict(_("The base model of this run was deleted. Start a new run."))
    plan = plan_job(
        actor=actor,
        name=job.name,
        snapshot=job.snapshot,
        base_version=job.base_version,
        method=job.method,
        config=config,
        device_wish=job.device_wish,
    )
    with transaction.atomic():
        # A run that has been on a worker has a saved state, which belongs to its settings.
        fresh = Job.objects.filter(pk=job.pk, state=State.QUEUED, attempt=0)
        if not fresh.update(config=plan.config.model_dump(mode="json"), **_needs(plan)):
            raise Conflict(_("This run has started, so its settings stay. Start a new run."))
        job.refresh_from_db()
        audit.record(actor=actor, action="job.change", target=job)
        tell_queue(job)
    return job


def plan_job(
    *,
    actor: User,
    name: str,
    snapshot: Snapshot,
    base_version: ModelVersion,
    method: str,
    config: dict[str, Any],
    device_wish: str = "",
) -> Plan:
    """Check the settings of a run against its data and base; saves nothing. Raises Invalid."""
    if method not in Method.values:
        raise Invalid(_("The method is one of: %s.") % ", ".join(Method.values))
    file = base_file_for(actor=actor, version=base_version)
    family = base_version.base_model.family if base_version.base_model else ""
    checked = check_config(
        config,
        method=method,
        output_name=file_stem(name),
        base={
            "path": STAGED_BASE,
            "sha256": file.blob.sha256,
            "name": base_version.model.name,
            "architecture": family,
        },
    )
    if "sample_prompts" not in config:
        checked = checked.model_copy(update={"sample_prompts": usual_prompts(snapshot, checked)})
    check_start_pictures(checked, snapshot)
    images = snapshot.manifest["images"]
    repeats = sum(image["repeats"] for image in images) / len(images)
    device = device_wish or likely_device(checked)
    found = estimate(checked, images=len(images), repeats=repeats, device=device)
    return Plan(config=checked, estimate=found, base_file=file)


def check_config(
    config: dict[str, Any], *, method: str, output_name: str, base: dict[str, Any]
) -> TrainConfig:
    """The settings with what only the hub knows. Raises Invalid in the engine's plain words."""
    given = {key: value for key, value in config.items() if key != "base_model"}
    chosen = config.get("base_model") or {}
    extra = {key: chosen[key] for key in ("prediction_type",) if key in chosen}
    sampling = given.get("sampling")
    if isinstance(sampling, dict):  # anything else is refused below
        given["sampling"] = {**sampling, "library": []}
    data = {
        **given,
        "method": method,
        "output_name": output_name,
        "dataset_manifest": STAGED_MANIFEST,
        "class_folder": "",  # the snapshot has its own, and nobody may name a path of the worker
        "initial_weights": "",
        "base_weights": [],
        "base_weights_multipliers": [],
        **dict.fromkeys(("save_last_epochs", "save_last_steps"), 0),  # the store keeps them all
        "base_model": {**extra, **base},
    }
    try:
        return TrainConfig.parse(data)
    except ConfigError as error:
        raise Invalid(str(error), code="config_invalid") from error


def check_start_pictures(config: TrainConfig, snapshot: Snapshot) -> None:
    """Sample prompts start from pictures of the dataset, named by hash. Raises Invalid."""
    hashes = [image["sha256"] for image in snapshot.manifest["images"]]
    for line in kept_lines(config.sample_prompts):
        name = split_line(line)[1].get("init", "").lower()
        known = is_hash(name) and any(digits.startswith(name) for digits in hashes)
        if name and not known:
            raise Invalid(
                _("A sample prompt starts from “%s”, which is no hash of a picture of the dataset.")
                % name,
                code="config_invalid",
            )


def usual_prompts(snapshot: Snapshot, config: TrainConfig) -> list[str]:
    """Prompts for samples where none are given: the first captions, as training reads them."""
    word = snapshot.manifest["trigger_word"]
    last = config.captions.trigger_place == "last"
    found: dict[str, None] = {}
    for image in snapshot.manifest["images"]:
        caption = " ".join(image["caption"].split()).strip(", ")
        found[with_trigger(caption, word, last=last)] = None
    return [text for text in found if text][:USUAL_PROMPTS]


def likely_device(config: TrainConfig) -> str:
    """The device that the estimate assumes: the one of the settings, else a GPU if one is there."""
    if config.device != "auto":
        return config.device
    has_gpu = live_workers(timezone.now()).filter(device=Device.CUDA).exists()
    return str(Device.CUDA if has_gpu else Device.CPU)


def base_file_for(*, actor: User, version: ModelVersion) -> ModelFile:
    """The file of a base model that training reads. Raises NotFound or Invalid with the reason."""
    if not ModelVersion.objects.visible_to(actor).filter(pk=version.pk).exists():
        raise NotFound(_("There is no such base model, or it is not shared with you."))
    if version.model.type != ModelType.CHECKPOINT:
        raise Invalid(_("Training starts from a checkpoint. Choose one as the base model."))
    family = version.base_model.family if version.base_model else ""
    if family not in TRAINABLE_FAMILIES:
        raise Invalid(
            _("Models of the family %s cannot be trained here. Choose an SD 1, SD 2 or SDXL base.")
            % (family or "?")
        )
    files = version.files.select_related("blob").order_by("-is_primary", "id")
    files = files.filter(format=FileFormat.SAFETENSOR)
    file = files.filter(scan_status=ScanStatus.SUCCESS).first() or files.first()
    if file is None:
        raise Invalid(_("This base model has no safetensors file to train from."))
    if not file.is_clean:
        raise Invalid(_("The file of this base model is not verified yet. Try again in a minute."))
    return file


def file_stem(name: str) -> str:
    """A file name made of the run's name that every system and tool takes."""
    return slugify(name, allow_unicode=False).replace("-", "_")[:80] or "untitled"


def _needs(plan: Plan) -> dict[str, Any]:
    """Columns that follow from the settings."""
    return {
        "min_memory_bytes": plan.estimate.memory_bytes,
        "estimated_seconds": plan.estimate.seconds,
        "total_steps": plan.estimate.steps,
        "total_epochs": plan.config.resolved().epochs or 0,
    }
