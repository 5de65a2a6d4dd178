"""Preview grids for tests, asked for through the service."""

from typing import Any

from training.jobs.models.artifact import ArtifactKind
from training.jobs.models.grid import PreviewGrid
from training.jobs.models.job import Job
from training.jobs.queries import artifacts_of
from training.jobs.services.grids import GridAxes, request_grid


def axes_of(job: Job, **changes: Any) -> GridAxes:
    """All checkpoints of a run under two weights; one prompt, CFG and seed."""
    return GridAxes(
        **{
            "checkpoints": list(artifacts_of(job, ArtifactKind.CHECKPOINT)),
            "prompts": ["a yuki in snow"],
            "weights": [0.5, 1.0],
            "guidances": [5.0],
            "seeds": [7],
            **changes,
        }
    )


def make_grid(job: Job, **changes: Any) -> PreviewGrid:
    """A grid in line."""
    return request_grid(actor=job.owner, job=job, axes=axes_of(job, **changes))
