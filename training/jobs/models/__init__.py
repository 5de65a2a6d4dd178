"""Everything Django has to know of jobs; import each class from its own module."""

from training.jobs.models import (
    artifact,
    comparison,
    drawn,
    event,
    grid,
    job,
    publication,
    worker_node,
)

__all__ = ["artifact", "comparison", "drawn", "event", "grid", "job", "publication", "worker_node"]
