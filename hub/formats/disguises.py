"""Files that are two things at once: what opens them decides what they are.

A file that passes for weights or for text, and would still be unpickled or opened as a zip by
another program, is never what it seems.
"""

import re
from typing import BinaryIO

from hub.formats.binary_source import size_of
from hub.formats.errors import FormatError, PickleScanError, Problem
from hub.formats.pickle_globals import Verdict, judge_import
from hub.formats.pickle_machine import BoundedReader, ImportTracer, read_steps
from hub.formats.zip_layout import has_archive_at_end

LOOK_BYTES = 1 << 20
LOOK_OPCODES = 50_000
PLAUSIBLE_NAME = re.compile(r"[A-Za-z_][\w.]{0,200}")

HIDDEN_ARCHIVE = Problem(
    "hidden_archive",
    "The file also ends as a zip archive does, so another program may open it as one. "
    "Export it again.",
)
HIDDEN_PICKLE = Problem(
    "hidden_pickle",
    "The file can also be read as a pickle, which would call {names}. It is not what it seems.",
)


class DisguiseError(FormatError):
    """A file that is something else as well."""


def check_single_nature(stream: BinaryIO) -> None:
    """Raise DisguiseError when a file that is neither zip nor pickle can be opened as one."""
    if has_archive_at_end(stream):
        raise DisguiseError(HIDDEN_ARCHIVE)
    names = hidden_calls(stream)
    if names:
        raise DisguiseError(HIDDEN_PICKLE, names=", ".join(names))


def hidden_calls(stream: BinaryIO) -> list[str]:
    """What the first bytes would call or import dangerously if somebody unpickled them.

    Pickles of protocol 0 and 1 have no signature, and ordinary text may spell some of their
    opcodes: so only names that could be names count, and only those that are called, or that are
    dangerous by themselves.
    """
    stream.seek(0)
    reader = BoundedReader(stream, available_bytes=size_of(stream), max_bytes=LOOK_BYTES)
    tracer = ImportTracer()
    try:
        for step in read_steps(reader, max_opcodes=LOOK_OPCODES):
            tracer.follow(step)
    except PickleScanError:
        pass  # what stands before the damage would have run
    found = [
        (module, name)
        for module, name in tracer.imports
        if PLAUSIBLE_NAME.fullmatch(module)
        and PLAUSIBLE_NAME.fullmatch(name)
        and ((module, name) in tracer.called or judge_import(module, name) is Verdict.DANGEROUS)
    ]
    return [f"{module}.{name}" for module, name in found]
