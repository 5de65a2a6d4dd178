"""`/models/imports/`: what the hub fetches for a person."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from hub.accounts.models import User
from models_registry.import_queries import imports_of
from models_registry.models.remote_import import RemoteImport, RemoteStatus

OPEN = (RemoteStatus.QUEUED, RemoteStatus.RUNNING)
KINDS = {
    RemoteStatus.QUEUED: "",
    RemoteStatus.RUNNING: "live",
    RemoteStatus.SUCCEEDED: "ok",
    RemoteStatus.FAILED: "danger",
    RemoteStatus.CANCELED: "",
}


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One import; `size_bytes` 0 means that the other side has not told it."""

    row: RemoteImport
    title: str
    kind: str
    is_open: bool
    can_retry: bool
    size_bytes: int
    use_url: str


@dataclass(frozen=True, slots=True)
class ImportsContext:
    """Newest first; while one is open the page asks again."""

    rows: list[ImportRow]

    @property
    def is_live(self) -> bool:
        """Whether something is still on its way."""
        return any(row.is_open for row in self.rows)


def imports_context(person: User) -> ImportsContext:
    """The newest imports of a person."""
    return ImportsContext([_row(row) for row in imports_of(person)])


def _row(row: RemoteImport) -> ImportRow:
    status = RemoteStatus(row.status)
    use_url = ""
    if status is RemoteStatus.SUCCEEDED:
        name = row.filename.rpartition(".")[0].replace("_", " ")
        query = urlencode({"upload": str(row.upload_uuid), "name": name})
        use_url = f"{reverse('upload_model')}?{query}"
    return ImportRow(
        row=row,
        title=row.filename or row.url,
        kind=KINDS[status],
        is_open=status in OPEN,
        can_retry=status in (RemoteStatus.FAILED, RemoteStatus.CANCELED),
        size_bytes=row.size_bytes or 0,
        use_url=use_url,
    )
