"""The operator's tagger: a program of their own that says what pictures show.

It is called with paths of pictures as its last arguments and prints one JSON object a line,
{"picture": path, "tags": ["red fox", "snow"]}, in any order; docs/operate/tagging.md says it all.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from hub.core.errors import AtelierError

LAST_CHARACTERS = 300


class TaggerFailed(AtelierError):
    """The program was not there, failed, took too long, or said something else."""

    code = "tagger_failed"


def tags_from_program(
    command: Sequence[str], pictures: Sequence[Path], *, seconds: float
) -> dict[Path, list[str]]:
    """The tags of each picture; one that the program leaves out has none. Raises TaggerFailed."""
    try:
        done = subprocess.run(  # noqa: S603  the operator's own command, never a person's words
            [*command, *map(str, pictures)],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise TaggerFailed(_("The tagger took longer than %d s.") % seconds) from error
    except OSError as error:
        raise TaggerFailed(_("The tagger could not be started: %s") % error) from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2][-LAST_CHARACTERS:]
        raise TaggerFailed(_("The tagger failed: %s") % (last or done.returncode))
    known = {str(path): path for path in pictures}
    found: dict[Path, list[str]] = {}
    for line in filter(None, map(str.strip, done.stdout.splitlines())):
        name, tags = _read_line(line)
        if name in known:
            found[known[name]] = tags
    return found


def _read_line(line: str) -> tuple[str, list[str]]:
    try:
        said = json.loads(line)
        name, tags = said["picture"], said["tags"]
        if isinstance(name, str) and all(isinstance(tag, str) for tag in tags):
            return name, list(tags)
    except (ValueError, KeyError, TypeError):
        pass
    raise TaggerFailed(_("The tagger printed something else: %s") % line[:LAST_CHARACTERS])
