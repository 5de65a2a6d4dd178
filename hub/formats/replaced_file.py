"""Writing a file beside its place and renaming it, so that it is never seen half written."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replaced_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a temporary file that takes the place of `path` when the block ends without error."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as out:
        part = Path(out.name)
        try:
            yield out
            out.flush()
            part.chmod(0o644)  # temporary files are private, the file itself is not
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
