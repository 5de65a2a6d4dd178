"""Follows a pickle's opcodes on paper: what would it import, if someone loaded it?

Nothing is imported, built or called. The machine keeps only what decides an import's name: text
on the stack and in the memo. `STACK_GLOBAL` takes both its names from there, so looking at the
text just before it (as simpler scanners do) can be tricked with the memo.
"""

import pickletools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, NamedTuple, cast

from hub.formats.errors import PickleScanError, Problem

OPAQUE = object()
MARK = object()
UNKNOWN_NAME = "?"
EXTENSION_MODULE = "copyreg extension"

_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_NOT_TEXT = frozenset({"INST", "PERSID"})
_EXTENSIONS = frozenset({"EXT1", "EXT2", "EXT4"})
# Where a call's callable lies on the stack, counted from the top; BUILD sets attributes on it.
_CALLABLE_AT = {"REDUCE": 2, "NEWOBJ": 2, "BUILD": 2, "NEWOBJ_EX": 3}
# What only keeps a value: a name that goes nowhere else is mentioned and never used.
_KEEPERS = frozenset({"SETITEM", "SETITEMS", "DICT", "APPEND", "APPENDS", "LIST"})

_NUMBERS = frozenset({"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"})
_TUPLES = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"})
_BUILTINS = ("builtins", "__builtin__")
# What fills the memory from a few bytes: as large as a number says, or as a list that holds another
# many times over, each of them again another. No pickler calls them.
_FILLERS = frozenset(
    {(module, name) for module in _BUILTINS for name in ("list", "range", "tuple", "xrange")}
    | {(module, name) for module in _BUILTINS for name in ("str", "unicode")}
    | {("torch", "Tensor"), ("numpy", "ndarray")}
)
# Calls its first argument: torch has it make a tensor of a class of its own.
_CALLS_ANOTHER = ("torch._tensor", "_rebuild_from_type_v2")
_REBUILDERS = ("torch._utils", "_rebuild_")
# How picklers write bytes and arrays; other encodings double what they are given, and another shape
# is a size. What these arguments are is told by `_is_as_written`.
_ENCODE = ("_codecs", "encode")
_ENCODINGS = ("latin1", "latin-1")
_RECONSTRUCTS = tuple((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core"))
#: A storage is named by five or six values.
_KEPT_ITEMS = 6
#: Each tuple of tuples is walked over again whenever it is hashed; a few bytes double that.
MOST_VALUES_IN_A_TUPLE = 100_000

# What picklers write for weights and settings, protocol 0 to 5. The rest (INST and OBJ of old
# classes, extension codes, persistent ids as text, buffers out of band, DUP, POP, NEWOBJ_EX) is met
# in no model file, and every one of them has served to lead a scanner astray.
ALLOWED_OPCODES = frozenset(
    {
        *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", *_PUTS, *_GETS),
        *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2"),
        *("LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2"),
        *("TUPLE3", "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "EMPTY_SET", "ADDITEMS"),
        *("FROZENSET", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "NEWOBJ", "BINPERSID"),
    }
)

FRAME_TOO_LONG = "a frame says that it is {stated} bytes long, and only {left} follow"
FRAME_TOO_SHORT = "a frame ends inside of a value"
FRAME_IN_FRAME = "a frame begins inside of another"
FRAME_BEHIND_STOP = "a frame goes on behind the pickle's end"

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
        self.used_bytes = 0

    @property
    def left_bytes(self) -> int:
        """How much there is behind what was read."""
        return self._available

    def read(self, size: int) -> bytes:
        """Read exactly as a file does, but never ask for more than there is."""
        data = self._stream.read(min(size, self._available, self._budget + 1))
        return self._spend(data)

    def readline(self) -> bytes:
        """Read up to a line end."""
        return self._spend(self._stream.readline(min(self._available, self._budget + 1)))

    def _spend(self, data: bytes) -> bytes:
        self._available -= len(data)
        self.used_bytes += len(data)
        self._budget -= len(data)
        if self._budget < 0:
            raise PickleScanError(TOO_LARGE, limit=self._limit, unit="bytes")
        return data


class Imported(NamedTuple):
    """An imported name on the stack."""

    module: str
    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Bundle:
    """A tuple on the stack: its first items, how many there are, how many values lie within it."""

    items: tuple[object, ...]
    count: int
    values: int


class Step(NamedTuple):
    """One opcode with its argument."""

    opcode: pickletools.OpcodeInfo
    argument: object


def read_steps(reader: BoundedReader, *, max_opcodes: int) -> Iterator[Step]:
    """Decode one pickle opcode by opcode, up to and including STOP.

    Raises PickleScanError when the bytes are no pickle or go beyond a limit; for a frame that lies
    about its length only behind STOP, since some loaders do not notice and run what is in it.
    """
    frames = _Frames(reader)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(cast(IO[bytes], reader))):
            if count >= max_opcodes:
                raise PickleScanError(TOO_LARGE, limit=max_opcodes, unit="opcodes")
            frames.follow(opcode.name, argument)
            yield Step(opcode, argument)
    except (ValueError, OverflowError, struct.error, EOFError) as error:
        raise PickleScanError(MALFORMED, reason=str(error)) from error
    if frames.fault:
        raise PickleScanError(MALFORMED, reason=frames.fault)


class _Frames:
    """Whether the frames of a pickle are as long as they say.

    A loader takes a frame whole: bytes of one that go on behind STOP are skipped there, so that the
    next pickle of the file begins elsewhere than its opcodes say.
    """

    def __init__(self, reader: BoundedReader) -> None:
        self._reader = reader
        self._before = self._end = 0
        self.fault = ""

    def follow(self, name: str, argument: object) -> None:
        """Take an opcode that was just read."""
        now = self._reader.used_bytes
        is_inside = self._before < self._end
        if name == "FRAME" and is_inside:
            self.fault = self.fault or FRAME_IN_FRAME
        elif is_inside and now > self._end:
            self.fault = self.fault or FRAME_TOO_SHORT
        elif name == "STOP" and now < self._end:
            self.fault = self.fault or FRAME_BEHIND_STOP
        if name == "FRAME" and isinstance(argument, int):
            self._end = now + argument
            if argument > self._reader.left_bytes:
                left = self._reader.left_bytes
                self.fault = self.fault or FRAME_TOO_LONG.format(stated=argument, left=left)
        self._before = now


class ImportTracer:
    """Collects the (module, name) pairs that the opcodes of one pickle would import, in order.

    `used` are those of them that do more than lie in a list or a dict, `called` those that are
    called or changed; `filling` are names whose call would fill the memory, `changed` those that
    get other attributes, `unusual` the opcodes that no model file needs. `named` are what the
    pickle refers to outside of itself, `listed` the texts that it puts into lists.
    """

    def __init__(self) -> None:
        """Start with an empty stack."""
        self.imports: dict[tuple[str, str], None] = {}
        self.used: set[tuple[str, str]] = set()
        self.called: set[tuple[str, str]] = set()
        self.filling: dict[str, None] = {}
        self.changed: dict[str, None] = {}
        self.is_tangled = False
        self.named: list[Bundle] = []
        self.listed: list[str] = []
        self.unusual: dict[str, None] = {}
        self._stack: list[object] = []
        self._memo: dict[object, object] = {}

    def follow(self, step: Step) -> None:
        """Take one opcode."""
        name = step.opcode.name
        if name not in ALLOWED_OPCODES:
            self.unusual[name] = None
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
        found = Imported(
            module if isinstance(module, str) else UNKNOWN_NAME,
            name if isinstance(name, str) else UNKNOWN_NAME,
        )
        self.imports[found] = None
        self._stack.append(found)

    def _note_import(self, step: Step) -> None:
        opcode = step.opcode.name
        if opcode in {"GLOBAL", "INST"}:
            module, _, name = str(step.argument).partition(" ")
            self.imports[module, name] = None
            if opcode == "INST":
                self.called.add((module, name))
        elif opcode in _EXTENSIONS:
            self.imports[EXTENSION_MODULE, str(step.argument)] = None
        self._note_call(opcode)

    def _note_call(self, opcode: str) -> None:
        at = _CALLABLE_AT.get(opcode)
        if at is not None and len(self._stack) >= at:
            callables = [self._stack[-at]]
        elif opcode == "OBJ" and MARK in self._stack:
            start = len(self._stack) - self._stack[::-1].index(MARK)
            callables = self._stack[start : start + 1]
        else:
            return
        names = [found for found in callables if isinstance(found, Imported)]
        self.called.update(names)
        if opcode == "BUILD":
            self.changed.update((".".join(name), None) for name in names)
        elif opcode in {"REDUCE", "NEWOBJ"}:
            self.filling.update((name.name, None) for name in names if self._fills(name))
            if _CALLS_ANOTHER in names:
                self._note_inner_call()

    def _note_inner_call(self) -> None:
        """What is called by a call: nothing but what makes a tensor has a place there."""
        arguments = self._top()
        inner = arguments.items[0] if isinstance(arguments, Bundle) and arguments.items else OPAQUE
        if not isinstance(inner, Imported):
            self.imports[UNKNOWN_NAME, UNKNOWN_NAME] = None
            return
        self.called.add(inner)
        if inner.module != _REBUILDERS[0] or not inner.name.startswith(_REBUILDERS[1]):
            self.filling[".".join(inner)] = None

    def _fills(self, called: Imported) -> bool:
        """Whether this call makes something much larger than what the pickle holds."""
        top = self._top()
        is_size = isinstance(top, Bundle) and top.count == 1 and isinstance(top.items[0], int)
        return is_size or called in _FILLERS or not _is_as_written(called, top)

    def _apply_effect(self, step: Step) -> None:
        """Pop and push by the opcode's own description; text stays text, the rest is opaque."""
        before, after = step.opcode.stack_before, step.opcode.stack_after
        popped: list[object] = []
        if pickletools.markobject in before:
            while self._stack and (value := self._pop()) is not MARK:
                popped.append(value)
            before = before[: before.index(pickletools.markobject)]
        popped += [self._pop() for _ in before]
        if step.opcode.name not in _KEEPERS:
            self.used.update(found for found in popped if isinstance(found, Imported))
        self._note_contents(step.opcode.name, popped)
        if step.opcode.name in _TUPLES:
            self._stack.append(self._bundle(popped[::-1]))
        else:
            self._push_result(step, after, takes_nothing=not before)

    def _note_contents(self, opcode: str, popped: list[object]) -> None:
        if opcode == "BINPERSID":
            self.named.extend(found for found in popped if isinstance(found, Bundle))
        elif opcode in {"APPEND", "APPENDS"}:
            self.listed.extend(found for found in reversed(popped) if isinstance(found, str))

    def _bundle(self, items: list[object]) -> Bundle:
        inner = [found for found in items if isinstance(found, Bundle)]
        values = 1 + len(items) - len(inner) + sum(found.values for found in inner)
        if inner and values > MOST_VALUES_IN_A_TUPLE:
            self.is_tangled = True
        return Bundle(tuple(items[:_KEPT_ITEMS]), len(items), values)

    def _push_result(
        self, step: Step, after: list[pickletools.StackObject], *, takes_nothing: bool
    ) -> None:
        argument = step.argument
        if step.opcode.name == "MARK":
            self._stack.append(MARK)
        elif step.opcode.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            self._stack.append(Imported(module, name))
        elif step.opcode.name in _NUMBERS:
            self._stack.append(argument)
        elif len(after) == 1 and takes_nothing and isinstance(argument, str):
            self._stack.append(OPAQUE if step.opcode.name in _NOT_TEXT else argument)
        else:
            self._stack.extend([OPAQUE] * len(after))


def _is_as_written(called: Imported, arguments: object) -> bool:
    """Whether a call whose arguments decide how large its result is has those of every pickler."""
    second = arguments.items[1] if isinstance(arguments, Bundle) and arguments.count > 1 else OPAQUE
    if called == _ENCODE:
        return second in _ENCODINGS
    if called in _RECONSTRUCTS:
        return isinstance(second, Bundle) and second.items == (0,)
    return True
