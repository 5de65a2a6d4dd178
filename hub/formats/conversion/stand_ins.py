"""What a pickle's names mean here: notes about tensors, plain containers, or nothing at all.

Not one of these names is imported. A tensor becomes a note of where its numbers lie, containers
become plain ones, and whatever else the file mentions becomes an object that takes everything and
does nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.formats.conversion.problems import DANGEROUS, NOT_READABLE, ConversionError
from hub.formats.pickle_globals import Verdict, judge_import

#: safetensors' names of torch's number formats, by the names of dtypes and of storages.
DTYPES: Mapping[str, str] = {
    **{"float32": "F32", "float": "F32", "float16": "F16", "half": "F16", "bfloat16": "BF16"},
    **{"float64": "F64", "double": "F64", "int8": "I8", "uint8": "U8", "int16": "I16"},
    **{"short": "I16", "int32": "I32", "int": "I32", "int64": "I64", "long": "I64", "bool": "BOOL"},
    **{"float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"},
}
STORAGES: Mapping[str, str] = {
    **{"FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16"},
    **{"DoubleStorage": "F64", "CharStorage": "I8", "ByteStorage": "U8", "ShortStorage": "I16"},
    **{"IntStorage": "I32", "LongStorage": "I64", "BoolStorage": "BOOL"},
}
UNTYPED = "UntypedStorage"
ITEM_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("F16", "BF16", "I16"), 2),
    **dict.fromkeys(("F32", "I32"), 4),
    **dict.fromkeys(("F64", "I64"), 8),
}


@dataclass(frozen=True)
class NumberFormat:
    """A dtype or the class of a storage; `code` is "" for bytes without a format of their own."""

    code: str


@dataclass(frozen=True)
class Storage:
    """Where numbers lie: `key` names them in the file, `size_bytes` is their length there."""

    key: str
    code: str
    size_bytes: int


@dataclass(frozen=True)
class Tensor:
    """A view into a storage; `offset` and `strides` count numbers, as torch does."""

    storage: Storage
    code: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers."""
        product = 1
        for side in self.shape:
            product *= side
        return product

    @property
    def size_bytes(self) -> int:
        """Length of the numbers, laid out without gaps."""
        return self.count * ITEM_BYTES[self.code]


class PlainDict(dict[Any, Any]):
    """Any of the dict classes; attributes that a pickle sets on it are dropped."""

    def __setstate__(self, _state: object) -> None:
        """Nothing."""


class ParameterDict(PlainDict):
    """torch.nn.ParameterDict of old embeddings: the parameters are in its state."""

    def __setstate__(self, state: object) -> None:
        """Keep the parameters, drop the hooks."""
        if isinstance(state, dict) and isinstance(state.get("_parameters"), dict):
            self.update(state["_parameters"])


class Nothing:
    """Stands for every other class: takes whatever is done to it."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        """Nothing."""

    def __setstate__(self, _state: object) -> None:
        """Nothing."""

    def __setitem__(self, _key: object, _value: object) -> None:
        """Nothing."""

    def append(self, _value: object) -> None:
        """Nothing."""

    def extend(self, _values: object) -> None:
        """Nothing."""

    def add(self, _value: object) -> None:
        """Nothing."""


def stand_in(module: str, name: str) -> object:
    """What a pickle gets for a name; raises ConversionError for one that is dangerous."""
    known = _KNOWN.get((module, name))
    if known is not None:
        return known
    if module in {"torch", "torch.cuda"} and name in STORAGES:
        return NumberFormat(STORAGES[name])
    if module == "torch" and name in DTYPES:
        return NumberFormat(DTYPES[name])
    if module == "torch.storage" and name == UNTYPED:
        return NumberFormat("")
    if judge_import(module, name) is Verdict.DANGEROUS:
        raise ConversionError(DANGEROUS, name=f"{module}.{name}")
    return Nothing


def stored(kind: object, key: object, count: object) -> Storage:
    """The storage that a persistent id of a pickle names."""
    if not isinstance(kind, NumberFormat) or type(count) is not int or count < 0:
        raise ConversionError(NOT_READABLE, reason="its numbers are of a kind not known here")
    size = count * ITEM_BYTES[kind.code] if kind.code else count
    return Storage(str(key), kind.code, size)


def _tensor(
    storage: object, offset: object, shape: object, strides: object, *_rest: object
) -> Tensor:
    if not isinstance(storage, Storage):
        raise ConversionError(NOT_READABLE, reason="a tensor has no storage")
    return _checked(storage, storage.code, offset, shape, strides)


def _tensor_with_dtype(*arguments: object) -> Tensor:
    """`_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, …)`."""
    storage, offset, shape, strides = arguments[:4]
    dtype = arguments[6] if len(arguments) > 6 else None
    if not isinstance(storage, Storage) or not isinstance(dtype, NumberFormat):
        raise ConversionError(NOT_READABLE, reason="a tensor has no number format")
    return _checked(storage, dtype.code, offset, shape, strides)


def _checked(storage: Storage, code: str, offset: object, shape: object, strides: object) -> Tensor:
    sides, steps = _lengths(shape), _lengths(strides)
    if not code or len(sides) != len(steps) or type(offset) is not int or offset < 0:
        raise ConversionError(NOT_READABLE, reason="a tensor's shape is not one")
    last = offset + sum((side - 1) * step for side, step in zip(sides, steps, strict=True))
    if 0 not in sides and (last + 1) * ITEM_BYTES[code] > storage.size_bytes:
        raise ConversionError(NOT_READABLE, reason="a tensor reaches beyond its storage")
    return Tensor(storage, code, offset, sides, steps)


def _lengths(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple | list) and all(
        type(item) is int and 0 <= item < 1 << 48 for item in value
    ):
        return tuple(value)
    raise ConversionError(NOT_READABLE, reason="a tensor's shape is not one")


def _parameter(data: object, *_rest: object) -> object:
    return data


def _of_type(function: object, _kind: object, arguments: object, _state: object) -> object:
    """`_rebuild_from_type_v2`: calls what it is given, so only our own tensors are made so."""
    if function in (_tensor, _tensor_with_dtype, _parameter) and isinstance(arguments, tuple):
        return function(*arguments)
    return Nothing()


def _encoded(text: object, _encoding: object = "", *_rest: object) -> bytes:
    """`_codecs.encode(text, "latin1")`, how protocol 2 writes bytes."""
    return text.encode("latin-1", "replace") if isinstance(text, str) else b""


def _plain_dict(*arguments: object) -> PlainDict:
    """OrderedDict(pairs), defaultdict(factory, ...): the factory is dropped."""
    made = PlainDict()
    for argument in arguments:
        if isinstance(argument, dict | list):
            made.update(argument)
    return made


_KNOWN: Mapping[tuple[str, str], object] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_with_dtype,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): _of_type,
    ("torch.nn.parameter", "Parameter"): _parameter,
    ("torch.nn", "Parameter"): _parameter,
    ("torch.nn.modules.container", "ParameterDict"): ParameterDict,
    ("torch.nn", "ParameterDict"): ParameterDict,
    ("torch", "Size"): tuple,
    ("collections", "OrderedDict"): _plain_dict,
    ("collections", "defaultdict"): _plain_dict,
    ("collections", "Counter"): _plain_dict,
    ("_codecs", "encode"): _encoded,
    **{
        (module, kind.__name__): kind
        for module in ("builtins", "__builtin__")
        for kind in (set, frozenset, list, dict, tuple)
    },
}
