"""What is known of a run before its first step: the data set as it is used, and where it began."""

from __future__ import annotations

from pathlib import Path

from training.engine.config.train import TrainConfig
from training.engine.data.batches import Feed, Item
from training.engine.data.manifest import Manifest, content_hash
from training.engine.files.dates import not_later
from training.engine.files.file_writing import file_hash, window_hash
from training.engine.method import Method
from training.engine.runs.data_metadata import DataFacts, UsedPicture
from training.engine.runs.ground import Ground
from training.engine.runs.metadata import FileFacts, RunFacts


def run_facts(
    ground: Ground, method: Method, data: DataFacts, feed: Feed, trigger: str, total_steps: int
) -> RunFacts:
    """Return what the headers of a run's files say, but for the step."""
    config, run, components = ground.config, ground.run, ground.components
    base = FileFacts(components.name, components.sha256, _old_hash(config.base_model.path))
    return RunFacts(
        config=config,
        method=method,
        architecture=components.architecture,
        data=data,
        base=base,
        vae=_file_facts(config.base_model.vae_path),
        initial=_file_facts(config.initial_weights),
        prediction_type=components.prediction_type,
        zero_terminal_snr=components.zero_terminal_snr,
        precision=ground.precision.compute,
        checkpointing=ground.precision.checkpointing,
        session_id=run.session_id(base.sha256, data.manifest_sha256),
        started_at=not_later(run.identity.started_at),
        total_steps=total_steps,
        epochs=-(-total_steps // feed.steps_per_epoch),
        batches_per_epoch=feed.batches_per_epoch,
        trigger_word=trigger,
        processes=ground.among.count,
        base_weights=tuple(_file_facts(path) for path in config.base_weights),
    )


def _file_facts(text: str) -> FileFacts:
    path = Path(text)
    if not text:
        return FileFacts()
    return FileFacts(path.name, file_hash(path) if path.is_file() else "", _old_hash(text))


def _old_hash(text: str) -> str:
    return window_hash(Path(text)) if Path(text).is_file() else ""


def data_facts(
    config: TrainConfig, manifest: Manifest, feed: Feed, held_out: list[Item]
) -> DataFacts:
    """Return the data set as the run uses it."""
    return DataFacts(
        manifest=manifest,
        manifest_sha256=_manifest_hash(config, manifest),
        pictures=tuple(UsedPicture(i.original_size, i.bucket, i.repeats) for i in feed.items),
        class_images=max((len(pool) for pool in feed.prior.values()), default=0),
        held_out_images=len(held_out),
    )


def _manifest_hash(config: TrainConfig, manifest: Manifest) -> str:
    path = Path(config.dataset_manifest)
    return content_hash(manifest) if path.is_dir() else file_hash(path)
