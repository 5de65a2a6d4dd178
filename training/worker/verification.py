"""Whether the files of a run are still those it was given; asked when a trainer cannot go on."""

from __future__ import annotations

from hub.storage.blobs import file_sha256
from training.jobs.models.job import Job
from training.worker.failures import PermanentFailureError
from training.worker.staging import staged_files
from training.worker.work_folder import WorkFolder

# Ends of a trainer that a spoilt file can lead to.
SUSPICIOUS = frozenset({"invalid_dataset", "invalid_base_model", "internal_error"})


def explained(error: PermanentFailureError, job: Job, folder: WorkFolder) -> PermanentFailureError:
    """The failure, or the spoilt file that led to it; reads every file of the run."""
    if error.failure.code not in SUSPICIOUS:
        return error
    for path, sha256 in staged_files(job, folder):
        if file_sha256(path) != sha256:
            return PermanentFailureError(
                "file_spoilt",
                f"The bytes of {path.name} ({sha256}) are not those that were stored. "
                "Restore the file from a backup, then try the run again.",
            )
    return error
