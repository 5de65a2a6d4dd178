"""Which names a pickle may import: the list of harmless ones and the list of dangerous ones.

Everything else is suspicious: it may be harmless, and a person has to decide. The harmless names
are those that checkpoints, embeddings and hypernetworks of the Stable Diffusion tools contain.
"""

from collections.abc import Mapping
from enum import StrEnum


class Verdict(StrEnum):
    """How far an import, or a whole file, can be trusted."""

    SAFE = "safe"
    SUSPICIOUS = "suspicious"
    DANGEROUS = "dangerous"


_STORAGES = frozenset(
    f"{kind}Storage"
    for kind in (
        *("BFloat16", "Bool", "Byte", "Char", "ComplexDouble", "ComplexFloat", "Double", "Float"),
        *("Half", "Int", "Long", "QInt8", "QInt32", "QUInt8", "Short"),
    )
)
_TORCH_DTYPES = frozenset(
    {
        *("bfloat16", "bool", "complex128", "complex64", "double", "float", "float16", "float32"),
        *("float64", "float8_e4m3fn", "float8_e5m2", "half", "int", "int16", "int32", "int64"),
        *("int8", "long", "short", "uint8"),
    }
)
_BUILTIN_TYPES = frozenset(
    {
        *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"),
        *("object", "range", "set", "slice", "str", "tuple", "long", "unicode"),
    }
)

SAFE_NAMES: Mapping[str, frozenset[str]] = {
    "__builtin__": _BUILTIN_TYPES,
    "builtins": _BUILTIN_TYPES,
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque"}),
    "_codecs": frozenset({"encode"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy.core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy._core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy.dtypes": frozenset(
        {"BoolDType", "Float16DType", "Float32DType", "Float64DType", "Int32DType", "Int64DType"}
    ),
    "torch": _STORAGES | _TORCH_DTYPES | {"Size", "Tensor", "device"},
    "torch.cuda": _STORAGES,
    "torch.storage": frozenset({"TypedStorage", "UntypedStorage", "_TypedStorage"}),
    "torch.nn": frozenset({"Parameter", "ParameterDict"}),
    "torch.nn.parameter": frozenset({"Parameter"}),
    "torch.nn.modules.container": frozenset({"ParameterDict"}),
    "torch._tensor": frozenset({"_rebuild_from_type_v2"}),
    "torch._utils": frozenset(
        {
            "_rebuild_device_tensor_from_numpy",
            "_rebuild_parameter",
            "_rebuild_parameter_with_state",
            "_rebuild_qtensor",
            "_rebuild_sparse_tensor",
            "_rebuild_tensor",
            "_rebuild_tensor_v2",
            "_rebuild_tensor_v3",
        }
    ),
}

# Names that old checkpoints use as the keys of a dict. They are harmless there; called, some of
# them make folders, so anything else than a mention is suspicious.
MENTIONED_NAMES: Mapping[str, frozenset[str]] = {
    "pytorch_lightning.callbacks.model_checkpoint": frozenset({"ModelCheckpoint"}),
    "pytorch_lightning.callbacks.early_stopping": frozenset({"EarlyStopping"}),
    "pytorch_lightning.callbacks": frozenset({"ModelCheckpoint", "EarlyStopping"}),
}

# Any name of these packages can run code, start programs, open files or connections.
DANGEROUS_PACKAGES = frozenset(
    {
        *(
            "_io",
            "_pickle",
            "_posixsubprocess",
            "_socket",
            "_thread",
            "_winapi",
            "_xxsubinterpreters",
        ),
        *("aiohttp", "asyncio", "atexit", "bdb", "builtins", "__builtin__", "cPickle", "cProfile"),
        *("cffi", "cloudpickle", "code", "codeop", "commands", "concurrent", "ctypes", "dill"),
        *("distutils", "doctest", "ensurepip", "faulthandler", "fileinput", "ftplib", "functools"),
        *("http", "httplib", "httpx", "idlelib", "imaplib", "imp", "importlib", "inspect", "io"),
        *("joblib", "lib2to3", "linecache", "marshal", "mmap", "multiprocessing", "nt", "ntpath"),
        *("operator", "_operator", "os", "paramiko", "pdb", "pickle", "pip", "pkgutil", "platform"),
        *("popen2", "poplib", "posix", "posixpath", "profile", "pty", "pydoc", "requests"),
        *("runpy", "setuptools", "shelve", "shutil", "signal", "smtplib", "socket", "socketserver"),
        *("sqlite3", "ssl", "subprocess", "sys", "sysconfig", "telnetlib", "tempfile", "threading"),
        *("timeit", "trace", "types", "unittest", "urllib", "urllib2", "urllib3", "venv"),
        *("webbrowser", "winreg", "xmlrpc", "zipimport"),
    }
)
# Modules inside otherwise ordinary packages that load or run code.
DANGEROUS_MODULES = (
    "logging.config",
    "numpy.distutils",
    "numpy.f2py",
    "numpy.testing",
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed",
    "torch.fx",
    "torch.hub",
    "torch.jit",
    "torch.multiprocessing",
    "torch.package",
    "torch.serialization",
    "torch.utils",
)
DANGEROUS_NAMES: Mapping[str, frozenset[str]] = {
    "numpy": frozenset({"fromfile", "load", "loadtxt", "memmap", "save", "savetxt"}),
    "torch": frozenset({"compile", "load", "save"}),
    "torch.storage": frozenset({"_load_from_bytes"}),
    "pandas": frozenset({"eval", "read_pickle"}),
}


def judge_import(module: str, name: str, *, is_used: bool = True) -> Verdict:
    """Judge one imported name of a pickle; `is_used` is False for a mere mention.

    A dotted name walks from object to object (protocol 4), so each of its parts counts.
    """
    if name in SAFE_NAMES.get(module, ()):
        return Verdict.SAFE
    if not is_used and name in MENTIONED_NAMES.get(module, ()):
        return Verdict.SAFE
    if _is_dangerous(module, name):
        return Verdict.DANGEROUS
    return Verdict.SUSPICIOUS


def _is_dangerous(module: str, name: str) -> bool:
    path = f"{module}.{name}"
    parts = frozenset(name.split("."))
    return (
        module.partition(".")[0] in DANGEROUS_PACKAGES
        or any(path == item or path.startswith(f"{item}.") for item in DANGEROUS_MODULES)
        or name in DANGEROUS_NAMES.get(module, ())
        or ("." in name and not parts.isdisjoint(DANGEROUS_PACKAGES))
        or any(part.startswith("__") for part in parts)
    )
