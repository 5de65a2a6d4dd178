"""A path to read a blob from, wherever the store keeps it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext as _

from hub.core.errors import Gone
from hub.storage.blobs import ensure_local, local_path, scratch_folder
from hub.storage.models import Blob


@contextmanager
def readable_path(blob: Blob) -> Iterator[Path]:
    """The stored file itself where it is on this machine, else a copy that goes afterwards.

    Raises Gone when the store lost the bytes.
    """
    path = local_path(blob)
    if path is not None:
        if not path.exists():
            raise Gone(_("The file is missing on the hub's disk. Tell the administrator."))
        yield path
        return
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
        try:
            yield ensure_local(blob, Path(folder))
        except FileNotFoundError as error:
            raise Gone(_("The file is missing in the store. Tell the administrator.")) from error
