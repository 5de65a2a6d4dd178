"""Follows a pickle's opcodes on paper: what would it import, if someone loaded it?

Nothing is imported, built or called. The machine keeps only what decides an import's name: text
on the stack and in the memo. `STACK_GLOBAL` takes both its names from there, so looking at the
text just before it (as simpler scanners do) can be tricked with the memo.
"""

import pickletools
import struct
from collections.abc import Iterator
from typing import IO, BinaryIO, NamedTuple, cast

from hub.formats.errors import PickleScanError, Problem

OPAQUE = object()
MARK = object()
UNKNOWN_NAME = "?"
EXTENSION_MODULE = "copyreg extension"

_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_NOT_TEXT = frozenset({"GLOBAL", "INST", "PERSID"})
_EXTENSIONS = frozenset({"EXT1", "EXT2", "EXT4"})

MALFORMED = Problem(
    "pickle_malformed",
    "The pickle can't be followed to its end: {reason}. Convert the file to safetensors on a "
    "machine that you trust.",
)
TOO_LARGE = Problem(
    "pickle_too_large",
    "The pickle goes beyond the limit of {limit} {unit}. Convert the file to safetensors on a "
    "machine that you trust.",
)


class BoundedReader:
    """The part of a file interface that `pickletools` needs, within a budget of bytes."""

    def __init__(self, stream: BinaryIO, *, available_bytes: int, max_bytes: int) -> None:
        """Read at most `max_bytes` of the `available_bytes` that are left in the stream."""
        self._stream = stream
        self._available = available_bytes
        self._budget = max_bytes
        self._limit = max_bytes

    def read(self, size: int) -> bytes:
        """Read exactly as a file does, but never ask for more than there is."""
        data = self._stream.read(min(size, self._available, self._budget + 1))
        return self._spend(data)

    def readline(self) -> bytes:
        """Read up to a line end."""
        return self._spend(self._stream.readline(min(self._available, self._budget + 1)))

    def _spend(self, data: bytes) -> bytes:
        self._available -= len(data)
        self._budget -= len(data)
        if self._budget < 0:
            raise PickleScanError(TOO_LARGE, limit=self._limit, unit="bytes")
        return data


class Step(NamedTuple):
    """One opcode with its argument."""

    opcode: pickletools.OpcodeInfo
    argument: object


def read_steps(reader: BoundedReader, *, max_opcodes: int) -> Iterator[Step]:
    """Decode one pickle opcode by opcode, up to and including STOP.

    Raises PickleScanError when the bytes are no pickle or go beyond a limit.
    """
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], reader))):
            if count >= max_opcodes:
                raise PickleScanError(TOO_LARGE, limit=max_opcodes, unit="opcodes")
            yield Step(opcode, argument)
    except (ValueError, OverflowError, struct.error, EOFError) as error:
        raise PickleScanError(MALFORMED, reason=str(error)) from error


class ImportTracer:
    """Collects the (module, name) pairs that the opcodes of one pickle would import, in order."""

    def __init__(self) -> None:
        """Start with an empty stack."""
        self.imports: dict[tuple[str, str], None] = {}
        self._stack: list[object] = []
        self._memo: dict[object, object] = {}

    def follow(self, step: Step) -> None:
        """Take one opcode."""
        name = step.opcode.name
        if name in _PUTS:
            self._memo[step.argument] = self._top()
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif name in _GETS:
            self._stack.append(self._memo.get(step.argument, OPAQUE))
        elif name == "DUP":
            self._stack.append(self._top())
        elif name == "STACK_GLOBAL":
            self._import_from_stack()
        else:
            self._note_import(step)
            self._apply_effect(step)

    def _top(self) -> object:
        return self._stack[-1] if self._stack else OPAQUE

    def _pop(self) -> object:
        return self._stack.pop() if self._stack else OPAQUE

    def _import_from_stack(self) -> None:
        name, module = self._pop(), self._pop()
        # A name that can't be told was built to be hidden; no ordinary writer does that.
        self.imports[
            module if isinstance(module, str) else UNKNOWN_NAME,
            name if isinstance(name, str) else UNKNOWN_NAME,
        ] = None
        self._stack.append(OPAQUE)

    def _note_import(self, step: Step) -> None:
        if step.opcode.name in {"GLOBAL", "INST"}:
            module, _, name = str(step.argument).partition(" ")
            self.imports[module, name] = None
        elif step.opcode.name in _EXTENSIONS:
            self.imports[EXTENSION_MODULE, str(step.argument)] = None

    def _apply_effect(self, step: Step) -> None:
        """Pop and push by the opcode's own description; text stays text, the rest is opaque."""
        before, after = step.opcode.stack_before, step.opcode.stack_after
        if pickletools.markobject in before:
            while self._stack and self._pop() is not MARK:
                pass
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            self._pop()
        if step.opcode.name == "MARK":
            self._stack.append(MARK)
        elif len(after) == 1 and not before and isinstance(step.argument, str):
            self._stack.append(OPAQUE if step.opcode.name in _NOT_TEXT else step.argument)
        else:
            self._stack.extend([OPAQUE] * len(after))
