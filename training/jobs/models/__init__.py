"""Everything Django has to know of jobs; import each class from its own module."""

from training.jobs.models import artifact, event, grid, job, publication, worker_node

__all__ = ["artifact", "event", "grid", "job", "publication", "worker_node"]
