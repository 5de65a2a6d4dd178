"""Names of all background tasks, and the one way to ask for one: after the transaction commits."""

from enum import StrEnum
from functools import partial

from django.db import transaction

from hub.celery import app


class TaskName(StrEnum):
    """Every registered Celery task; a test asserts that this list and the registry agree."""

    STORAGE_COLLECT = "storage.collect_garbage"
    STORAGE_EXPIRE = "storage.expire_uploads"
    REGISTRY_PROCESS_FILE = "models_registry.process_file"
    REGISTRY_PROCESS_WAITING = "models_registry.process_waiting_files"
    REGISTRY_CONVERT_FILE = "models_registry.convert_file"
    REGISTRY_FETCH = "models_registry.fetch_import"
    REGISTRY_RESUME_IMPORTS = "models_registry.resume_imports"
    REGISTRY_KEEP_COUNTS = "models_registry.keep_counts"
    GALLERY_PROCESS_IMAGE = "gallery.process_image"
    GALLERY_PROCESS_WAITING = "gallery.process_waiting_images"
    GALLERY_LINK_VERSION = "gallery.link_version"
    COMMENTS_FORGET = "comments.forget_deleted"
    DATASETS_IMPORT = "datasets.import_upload"
    DATASETS_CHECK_ITEM = "datasets.check_item"
    DATASETS_TAG = "datasets.run_tagging"
    DATASETS_RESUME = "datasets.resume_imports"
    JOBS_RUN_NEXT = "jobs.run_next_job"
    JOBS_REAP = "jobs.reap_lost_jobs"


def enqueue_on_commit(name: TaskName, **ids: object) -> None:
    """Send the task once the surrounding transaction has committed; outside one, at once.

    Tasks take ids only, so that a worker always reads the committed row. A broker that is down
    does not fail the request: the row is saved, and the periodic sweeps find it.
    """
    send = partial(app.send_task, str(name), kwargs=ids)
    vars(send)["__qualname__"] = str(name)  # Django writes it into the log when sending fails
    transaction.on_commit(send, robust=True)
