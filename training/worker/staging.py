"""Bringing to this machine what a job reads: pictures, base model, settings, last saved state."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from hub.storage.blobs import ensure_local, open_blob
from hub.storage.models import Blob
from training.base_models.tiny.location import CHECKSUMS, TINY_ROOT, tiny_base_dir
from training.datasets.services.snapshots import write_manifest
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.files.disk import is_full
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.job import Job
from training.jobs.services.prompt_files import PromptFiles, Wisher
from training.worker.failures import PermanentFailureError, TransientFailureError
from training.worker.prompt_files import LIBRARY, stage_prompt_files, without_missing
from training.worker.work_folder import WorkFolder

BASE_NAME = "base.safetensors"


@dataclass(frozen=True)
class Staged:
    """What the engine needs, on this machine; `replay_after` is its last event that the hub has.

    `not_used` are sentences about what sample prompts name and nobody finds.
    """

    folder: WorkFolder
    cache_dir: Path
    series: UUID
    replay_after: int
    not_used: tuple[str, ...] = ()


def stage(job: Job) -> Staged:
    """Lay a job out in its work folder; what is there already is not fetched again.

    Raises PermanentFailureError when something is gone for good, TransientFailureError when the
    store does not answer.
    """
    folder = WorkFolder.of(job.pk)
    try:
        write_manifest(job.snapshot, folder.dataset)
        base = stage_base(job, folder)
        named = stage_prompt_files(prompts_of(job), wisher_of(job), folder.root)
        _restore_state(job, folder)
    except FileNotFoundError as error:
        raise PermanentFailureError(
            "file_missing",
            f"The store has lost a file that this run reads: {error}. Restore it from a backup.",
        ) from error
    except OSError as error:
        if is_full(error):
            raise  # told as such by the runner
        raise TransientFailureError(
            "staging_failed", f"Files could not be brought to the worker: {error}"
        ) from error
    _write_config(job, folder, base, named)
    series = folder.series()
    cache = Path(settings.ATELIER_HOME).absolute() / "cache" / "engine"
    cache.mkdir(parents=True, exist_ok=True)
    taken = job.engine_sequence if job.run_folder == series else 0
    not_used = tuple(named.sentences)
    return Staged(folder, cache, series, replay_after=taken, not_used=not_used)


def staged_files(job: Job, folder: WorkFolder) -> Iterator[tuple[Path, str]]:
    """What lies in the folder because of a row of the store, with the hash it should have."""
    places = {entry["sha256"]: entry["path"] for entry in job.snapshot.manifest["images"]}
    found = [(folder.dataset / path, sha256) for sha256, path in places.items()]
    found.append((folder.root / BASE_NAME, job.base_sha256))
    named = (folder.root / LIBRARY).glob("*/*")
    found += [(path, path.parent.name) for path in named]
    yield from ((path, sha256) for path, sha256 in found if path.exists())


def is_bundled_base(sha256: str) -> bool:
    """Whether a file is the bundled tiny base, which the engine reads from its own folder."""
    path = TINY_ROOT / CHECKSUMS
    return path.exists() and sha256 in path.read_text(encoding="utf-8")


def stage_base(job: Job, folder: WorkFolder) -> Path:
    """The base model of a run on this machine. Raises PermanentFailureError when it is gone."""
    if is_bundled_base(job.base_sha256):
        return tiny_base_dir()
    blob = Blob.objects.filter(sha256=job.base_sha256).first()
    if blob is None:
        raise PermanentFailureError(
            "base_missing", "The base model was deleted after this run was put in line."
        )
    return ensure_local(blob, folder.root, name=BASE_NAME)


def prompts_of(job: Job) -> list[str]:
    """The sample prompts of a run."""
    return [line for line in job.config.get("sample_prompts") or [] if isinstance(line, str)]


def wisher_of(job: Job) -> Wisher:
    """Whose files the prompts of a run may name."""
    base = job.config.get("base_model") or {}
    return Wisher(job.owner, job.team, str(base.get("architecture", "")))


def _write_config(job: Job, folder: WorkFolder, base: Path, named: PromptFiles) -> None:
    try:
        config = TrainConfig.parse(job.config)
    except ConfigError as error:
        raise PermanentFailureError(error.code, str(error)) from error
    library = [str(folder.root / LIBRARY)] if named.files else []
    staged = config.model_copy(
        update={
            "base_model": config.base_model.model_copy(update={"path": str(base)}),
            "dataset_manifest": str(folder.dataset / "manifest.json"),
            "sample_prompts": without_missing(config.sample_prompts, named.missing),
            "sampling": config.sampling.model_copy(update={"library": library}),
        }
    )
    partial = folder.config.with_suffix(".partial")
    partial.write_text(staged.to_toml(), encoding="utf-8")
    partial.replace(folder.config)


def _restore_state(job: Job, folder: WorkFolder) -> None:
    """Put the last saved state in place on a machine that has none: the job's own, or that of the
    job it continues, from the folder next to ours or from the store.
    """
    if folder.state.exists() or folder.events.exists():
        return
    for source in (job, job.continues):
        if source is not None and _copy_state(source, folder):
            return


def _copy_state(source: Job, folder: WorkFolder) -> bool:
    target = folder.state
    partial = target.with_name(".state.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    near = WorkFolder(folder.root.parent / str(source.pk)).state
    stored = JobArtifact.objects.filter(job=source, kind=ArtifactKind.STATE).first()
    if near.exists():
        shutil.copyfile(near, partial)
    elif stored is not None:
        with open_blob(stored.blob) as reader, partial.open("wb") as writer:
            shutil.copyfileobj(reader, writer)
    else:
        return False
    partial.replace(target)
    return True
