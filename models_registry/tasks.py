"""Background work of the registry: load, call one service."""

from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from hub.core.tasks import TaskName
from models_registry.kept_counts import keep_counts
from models_registry.services import conversion, fetching, files, importing

SOFT_LIMIT_SECONDS = 3600
FETCH_SECONDS = 6 * 3600
HARD_LIMIT_SECONDS = SOFT_LIMIT_SECONDS + 60


@shared_task(
    name=str(TaskName.REGISTRY_PROCESS_FILE),
    soft_time_limit=SOFT_LIMIT_SECONDS,
    time_limit=HARD_LIMIT_SECONDS,
    acks_late=True,
)
def process_file_task(*, file_id: int, **_: object) -> None:
    """Hash, scan and read one file; safe to run twice."""
    files.process_file(file_id=file_id)


@shared_task(name=str(TaskName.REGISTRY_PROCESS_WAITING), soft_time_limit=60, time_limit=120)
def process_waiting_files_task(**_: object) -> None:
    """Every few minutes: files and conversions whose wake-up was lost."""
    files.enqueue_waiting_files(now=timezone.now())
    conversion.resume_conversions(now=timezone.now())


@shared_task(
    name=str(TaskName.REGISTRY_CONVERT_FILE),
    soft_time_limit=settings.CONVERSION_TIMEOUT_SECONDS + 600,
    time_limit=settings.CONVERSION_TIMEOUT_SECONDS + 660,
    acks_late=True,
)
def convert_file_task(*, conversion_id: int, **_: object) -> None:
    """Convert one pickle; safe to run twice."""
    conversion.run_conversion(conversion_id=conversion_id)


@shared_task(
    name=str(TaskName.REGISTRY_FETCH),
    soft_time_limit=FETCH_SECONDS,
    time_limit=FETCH_SECONDS + 60,
    acks_late=True,
)
def fetch_import_task(*, import_id: str, **_: object) -> None:
    """Fetch one file by its address; goes on where a killed run stopped."""
    fetching.fetch_import(import_id=UUID(import_id))


@shared_task(name=str(TaskName.REGISTRY_RESUME_IMPORTS), soft_time_limit=60, time_limit=120)
def resume_imports_task(**_: object) -> None:
    """Every minute: imports whose worker, line or wake-up was lost."""
    importing.resume_imports(now=timezone.now())


@shared_task(name=str(TaskName.REGISTRY_KEEP_COUNTS), soft_time_limit=60, time_limit=120)
def keep_counts_task(**_: object) -> None:
    """Every minute: count what lists of a large hub show beside their filters."""
    keep_counts()
