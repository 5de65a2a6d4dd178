"""Runs that are over, told to the services in the engine's own words, with real files."""

from pathlib import Path
from typing import Any

from tests.factories.registry import lora_bytes
from tests.factories.training import (
    SERIES,
    checkpointed,
    claimed_job,
    picture_bytes,
    started,
    stepped,
)
from training.engine.events import Previewed
from training.jobs.models.job import Job
from training.jobs.services import artifacts, lifecycle
from training.jobs.services.events import record_events


def previewed(
    sequence: int,
    path: str,
    *,
    step: int,
    prompt_index: int = 0,
    prompt: str = "a yuki in snow",
    side: int = 64,
) -> Previewed:
    """What the engine says of a sample."""
    return Previewed(
        sequence=sequence,
        path=path,
        prompt_index=prompt_index,
        prompt=prompt,
        negative="blurry",
        seed=prompt_index,
        epoch=step // 10,
        step=step,
        width=side,
        height=side,
    )


def finished_run(folder: Path, **fields: Any) -> Job:
    """A run of two epochs that is over, with a checkpoint and two samples of each."""
    job, _worker = claimed_job(**fields)
    record_events(job.pk, 1, [started(1)], run_folder=SERIES)
    places: dict[str, Any] = {"run_dir": folder, "run_folder": SERIES}
    for epoch in (1, 2):
        first, step = 10 * epoch, 10 * epoch
        record_events(job.pk, 1, [stepped(first, step, loss=1 / (1 + epoch))], run_folder=SERIES)
        (folder / f"yuki-{step}.safetensors").write_bytes(lora_bytes(seed=step))
        told = checkpointed(first + 1, f"yuki-{step}.safetensors", step=step)
        artifacts.record_file(job.pk, 1, told, **places)
        for index in (0, 1):
            (folder / f"e{step}-p{index}.png").write_bytes(picture_bytes(step + index))
            sample = previewed(
                first + 2 + index, f"e{step}-p{index}.png", step=step, prompt_index=index
            )
            artifacts.record_file(job.pk, 1, sample, **places)
    lifecycle.finish(job_id=job.pk, attempt=1, reason="completed")
    job.refresh_from_db()
    return job
