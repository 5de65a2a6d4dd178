"""A folder of hostile files: one of every trick that is known against hubs of models.

Each would, if it were loaded, make the folder named by MARKER in the working directory. None of
them is loaded by anything here.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.factories.formats import (
    exif_image,
    framed,
    png_bytes,
    png_with_chunk,
    safetensors_bytes,
    zip_bytes,
)
from tests.factories.gguf_files import broken_ggufs, gguf_bytes

MARKER = "hacked"
MKDIR = b"cposix\nmkdir\n(S'hacked'\ntR"
LEGACY_MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
WEIGHTS = {"w": ("F16", (4, 4))}


@dataclass(frozen=True)
class Hostile:
    """A file as somebody would upload it, and a part of the reason it must get."""

    trick: str
    name: str
    data: bytes
    reason: str
    kind: str = "Model"


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, function=os.mkdir, *arguments):
        self.call = (function, arguments or (MARKER,))

    def __reduce__(self):
        return self.call


def hostile_files() -> Iterator[Hostile]:
    """Every trick; fresh bytes on every call."""
    yield from pickles()
    yield from torch_files()
    yield from archives()
    yield from liars()
    yield from headers()
    yield from ggufs()
    yield from polyglots()


# long: a list of hostile files, one beside the other
def pickles() -> Iterator[Hostile]:
    """Plain pickles."""
    for protocol in range(6):
        data = pickle.dumps({"w": 1, "x": Evil()}, protocol)
        yield Hostile(f"REDUCE protocol {protocol}", "a.pt", data, "mkdir")
    yield Hostile("GLOBAL without PROTO", "a.pt", MKDIR + b".", "mkdir")
    memo = (
        b"\x80\x04\x8c\x05posix\x94\x8c\x05mkdir\x940\x8c\x05torch\x8c\x05mkdir00h\x00h\x01\x93"
        b"\x8c\x06hacked\x85R."
    )
    yield Hostile("STACK_GLOBAL by the memo", "a.pt", memo, "posix.mkdir")
    yield Hostile("INST", "a.pt", b"(S'hacked'\niposix\nmkdir\n.", "mkdir")
    yield Hostile("OBJ", "a.pt", b"(cposix\nmkdir\nS'hacked'\no.", "mkdir")
    newobj = b"\x80\x04cposix\nmkdir\n\x8c\x06hacked\x85\x81."
    yield Hostile("NEWOBJ", "a.pt", newobj, "mkdir")
    newobj_ex = b"\x80\x04cposix\nmkdir\n\x8c\x06hacked\x85}\x92."
    yield Hostile("NEWOBJ_EX", "a.pt", newobj_ex, "mkdir")
    build = b"\x80\x02ctorch.storage\n_load_from_bytes\n}X\x01\x00\x00\x00aK\x01sb."
    yield Hostile("BUILD", "a.pt", build, "_load_from_bytes")
    yield Hostile("BUILD on a class", "a.pt", b"\x80\x02ccollections\nX\n}b.", "collections.X")
    for code, name in ((b"\x82\x01", "EXT1"), (b"\x83\x01\x00", "EXT2")):
        yield Hostile(name, "a.pt", b"\x80\x02" + code + b".", "copyreg extension")
    nested = pickle.dumps(Evil(pickle.loads, pickle.dumps(Evil())), 4)
    yield Hostile("a pickle in a pickle", "a.pt", nested, "_pickle.loads")
    stacked = pickle.dumps({"w": 1}, 2) + pickle.dumps(Evil(), 2)
    yield Hostile("a second pickle behind STOP", "a.pt", stacked, "mkdir")
    many = pickle.dumps(1, 2) * 40 + pickle.dumps(Evil(), 2)
    behind = pickle.dumps({}, 2) + b"hello"
    yield Hostile("text behind STOP", "a.pt", behind, "belong to nothing")
    yield Hostile("the fortieth pickle", "a.pt", many, "more pickles")
    yield Hostile("cut off behind the call", "a.pt", b"\x80\x02" + MKDIR, "mkdir")
    dotted = b"\x80\x04\x8c\x0bcollections\x8c\x1eOrderedDict.__class__.__base__\x93."
    yield Hostile("a dotted name", "a.pt", dotted, "collections.OrderedDict")
    for module, name in (
        (b"builtins", b"eval"),
        (b"__builtin__", b"getattr"),
        (b"operator", b"attrgetter"),
        (b"functools", b"partial"),
        (b"torch.hub", b"load"),
        (b"torch", b"load"),
        (b"numpy", b"load"),
        (b"numpy.testing._private.utils", b"runstring"),
        (b"pkgutil", b"resolve_name"),
        (b"webbrowser", b"open"),
        (b"importlib", b"import_module"),
        (b"pip._internal", b"main"),
    ):
        data = b"\x80\x02c" + module + b"\n" + name + b"\n)R."
        yield Hostile(f"{module.decode()}.{name.decode()}", "a.pt", data, name.decode())
    unknown = b"\x80\x02comegaconf.dictconfig\nDictConfig\n)R."
    yield Hostile("an unknown class", "a.pt", unknown, "omegaconf")
    object_array = io.BytesIO()
    np.save(object_array, np.array([Evil()], dtype=object), allow_pickle=True)
    yield Hostile("numpy objects", "a.npy", object_array.getvalue(), "npy")
    numpy_pickle = pickle.dumps(np.array([Evil()], dtype=object), 4)
    yield Hostile("a pickled array of objects", "a.pt", numpy_pickle, "mkdir")
    length = b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x"
    yield Hostile("a length that lies", "a.pt", length, "followed to its end")
    framed_pickle = pickle.dumps({"w": [0.5] * 3}, 4)
    for change, reason in ((1 << 20, "only"), (3, "behind the pickle"), (-5, "inside of a value")):
        stated = struct.unpack("<Q", framed_pickle[3:11])[0] + change
        data = framed_pickle[:3] + struct.pack("<Q", stated) + framed_pickle[11:]
        behind = b"" if change > 5 else pickle.dumps(1, 2)
        yield Hostile(f"a frame that lies: {change:+}", "a.pt", data + behind, reason)
    inner = framed_pickle[:11] + b"\x95" + bytes(8) + framed_pickle[11:]
    yield Hostile("a frame in a frame", "a.pt", inner, "inside of another")
    called = pickle.dumps(Evil(), 4)
    called = called[:3] + struct.pack("<Q", 1 << 20) + called[11:]
    yield Hostile("a frame that lies, with a call", "a.pt", called, "mkdir")
    yield Hostile("a memo of 4 billion", "a.pt", b"\x80\x02cx\ny\nr\xff\xff\xff\xff.", "x.y")


def torch_files() -> Iterator[Hostile]:
    """Files of torch.save."""
    evil, harmless = pickle.dumps(Evil(), 2), pickle.dumps({}, 2)
    legacy = LEGACY_MAGIC + pickle.dumps(1001, 2) + harmless
    yield Hostile("legacy, third pickle", "a.ckpt", legacy + evil + harmless, "mkdir")
    yield Hostile("legacy, fifth pickle", "a.ckpt", legacy + harmless + evil, "mkdir")
    decoy = b"".join(pickle.dumps(None, 2) for _ in range(2))
    swallowing = b"\x80\x04\x95" + struct.pack("<Q", 2 + len(decoy)) + b"}." + decoy
    swallowed = LEGACY_MAGIC + pickle.dumps(1001, 2) + swallowing + evil
    yield Hostile("legacy, a frame over two pickles", "a.ckpt", swallowed, "behind the pickle")
    yield Hostile("data.pkl", "a.ckpt", zip_bytes({"archive/data.pkl": evil}), "mkdir")
    for name in ("DATA.PKL", "extra.bin", ".data/x", "data/0.pkl"):
        members = {"archive/data.pkl": harmless, f"archive/{name}": evil}
        yield Hostile(f"a pickle as {name}", "a.ckpt", zip_bytes(members), "mkdir")
    jit = {"a/data.pkl": harmless, "a/code/__torch__.py": b"import os"}
    for name, content in {"run.py": b"x = 1", "version": MKDIR + b".", "x/data/0": b""}.items():
        members = {"archive/data.pkl": harmless, f"archive/{name}": content}
        yield Hostile(f"torch file with {name}", "a.ckpt", zip_bytes(members), "no file of torch")
    outside = zip_bytes({"archive/data.pkl": harmless, "../../x": b"x"})
    yield Hostile("torch file that climbs out", "a.ckpt", outside, "no file of torch")
    members = {"archive/data.pkl": harmless, "archive/data/0": bytes(5_000_000)}
    burst = zip_bytes(members, zipfile.ZIP_DEFLATED)
    yield Hostile("weights that burst", "a.bin", burst, "packed size")
    hidden_zip = legacy + harmless + harmless + zip_bytes({"archive/data.pkl": evil})
    yield Hostile("legacy with an archive behind", "a.ckpt", hidden_zip, "zip archive")
    yield Hostile("TorchScript", "a.pt", zip_bytes(jit), "TorchScript")
    yield Hostile("the same name twice", "a.pt", _twice(harmless, harmless), "twice")
    yield Hostile("the same name twice, one evil", "a.pt", _twice(harmless, evil), "mkdir")
    cased = {"a/data.pkl": harmless, "A/Data.pkl": harmless}
    yield Hostile("names that differ by case", "a.pt", zip_bytes(cased), "twice")
    yield Hostile(
        "an encrypted member", "a.pt", _flagged(zip_bytes({"a/data.pkl": harmless}), 1), "encrypted"
    )
    good = zip_bytes({"archive/data.pkl": harmless})
    yield Hostile("something before the archive", "a.pt", good + good, "bytes at")
    yield Hostile("something behind the archive", "a.pt", good + b"x" * 30, "bytes at")
    hidden = zip_bytes({"archive/data.pkl": evil})
    yield Hostile("two archives in one", "a.pt", hidden + good, "bytes at")
    renamed = good.replace(b"archive/data.pkl", b"archive/data.pkx", 1)
    yield Hostile("two names for one member", "a.pt", renamed, "can't be read")
    yield Hostile("a crc that is wrong", "a.pt", _wrong_crc(good), "can't be read")


def archives() -> Iterator[Hostile]:
    """Archives that say they hold pictures or texts."""
    kind = "Training Data"
    bomb = zip_bytes({"cat.txt": b" " * 5_000_000}, zipfile.ZIP_DEFLATED)
    yield Hostile("a zip bomb", "d.zip", bomb, "packed size", kind)
    yield Hostile("overlapping members", "d.zip", _overlapping(), "shares its bytes", kind)
    for name in ("../../etc/cron.d/x", "/etc/passwd", "C:/x.txt", "a\\..\\x.txt", "a/../../x"):
        yield Hostile(f"climbs out: {name}", "d.zip", _member(name, b"x"), "leads out", kind)
    for name in ("CON.png", "a.png.", "d/x.txt:evil", "a\u202egnp.txt", "a\x01.txt"):
        special = zip_bytes({name: b"x"})
        yield Hostile(f"a name of its own: {name!r}", "d.zip", special, "Rename", kind)
    path_file = zip_bytes({"site.pth": b"import os\n"})
    yield Hostile("text as .pth", "d.zip", path_file, "site.pth", kind)
    yield Hostile("a symlink", "d.zip", _link("cat.txt", b"/etc/passwd"), "a link", kind)
    evil = pickle.dumps(Evil(), 4)
    yield Hostile("a pickle in a data set", "d.zip", zip_bytes({"a.pt": evil}), "mkdir", kind)
    text = zip_bytes({"a.txt": MKDIR + b"."})
    yield Hostile("a pickle as a caption", "d.zip", text, "posix.mkdir", kind)
    inner = zip_bytes({"inner.zip": zip_bytes({"a.pt": evil})})
    yield Hostile("an archive in an archive", "d.zip", inner, "archive itself", kind)
    for name, data in (("setup.py", b"x = 1"), ("a.exe", b"MZ\x90"), ("b.txt", b"#!/bin/sh\n")):
        yield Hostile(f"a program: {name}", "d.zip", zip_bytes({name: data}), "program", kind)
    array = io.BytesIO()
    np.savez(array, a=np.array([Evil()], dtype=object))
    yield Hostile("npz of objects", "d.zip", array.getvalue(), "npy", kind)
    broken = zip_bytes({"m.safetensors": safetensors_bytes(WEIGHTS) + b"x"})
    yield Hostile("broken weights inside", "d.zip", broken, "header describes", kind)
    locked = _flagged(zip_bytes({"a.txt": b"a cat"}), 1)
    yield Hostile("an encrypted archive", "d.zip", locked, "encrypted", kind)
    png = zip_bytes({"cat.png": png_bytes() + zip_bytes({"a": b"x"})})
    yield Hostile("a picture with an archive inside", "d.zip", png, "zip archive", kind)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        out.addfile(tarfile.TarInfo("data.pkl"), io.BytesIO())
    wrappers = {
        "gzip": gzip.compress(evil),
        "bzip2": bz2.compress(evil),
        "xz": lzma.compress(evil),
        "tar": tar.getvalue(),
        "7z": b"7z\xbc\xaf\x27\x1c" + bytes(40),
        "rar": b"Rar!\x1a\x07\x01\x00" + bytes(40),
    }
    for wrapper, data in wrappers.items():
        yield Hostile(f"wrapped: {wrapper}", f"a.{wrapper}", data, wrapper, kind)


def liars() -> Iterator[Hostile]:
    """Names that say something else than the bytes."""
    evil = pickle.dumps(Evil(), 4)
    yield Hostile("a pickle as safetensors", "a.safetensors", evil, "mkdir")
    yield Hostile("a pickle as yaml", "a.yaml", MKDIR + b".", "posix.mkdir", "Config")
    yield Hostile("a pickle as json", "a.json", evil, "mkdir", "Workflow")
    archive = zip_bytes({"a.txt": b"a cat"})
    yield Hostile("a zip as safetensors", "a.safetensors", archive, "content is zip", "Archive")
    yield Hostile("a picture as checkpoint", "a.ckpt", png_bytes(), "content is png", "Other")
    yield Hostile("text as checkpoint", "a.ckpt", b"steps: 20", "content is text", "Other")
    yield Hostile("html as safetensors", "a.safetensors", b"<!doctype html>", "content is text")
    for name, data in (("a.ckpt", b"MZ\x90\0"), ("a.bin", b"\x7fELF"), ("a.yaml", b"#!/bin/sh\n")):
        yield Hostile(f"a program as {name}", name, data, "a program", "Config")
    yield Hostile("a script as config", "a.py", b"print(1)\n", "a program", "Config")
    yaml = b"model: !!python/object/apply:os.mkdir [hacked]\n"
    yield Hostile("yaml that calls", "a.yaml", yaml, "!!python/", "Config")
    escaped = b"model: !<tag:yaml.org,2002:%70ython/object/apply:os.mkdir> [hacked]\n"
    yield Hostile("yaml that calls in escapes", "a.yaml", escaped, "python", "Config")
    renamed = b"%TAG !p! tag:yaml.org,2002:\n---\nmodel: !p!python/object/apply:os.mkdir [hacked]\n"
    yield Hostile("yaml that calls by another name", "a.yaml", renamed, "%TAG", "Config")
    yield Hostile("keras", "a.h5", b"\x89HDF\r\n\x1a\n" + bytes(64), "Python code in their layers")
    onnx = b"\x08\x07\x12\x07pytorch\x1a\x05"
    yield Hostile("onnx", "a.onnx", onnx, "operators from outside")
    safe = pickle.dumps({"w": [0.5]}, 2)
    torch = zip_bytes({"archive/data.pkl": safe, "archive/version": b"3\n"})
    yield Hostile("a harmless pickle as safetensors", "a.safetensors", safe, "content is pickle")
    yield Hostile("a harmless torch file as gguf", "a.gguf", torch, "content is torch_zip")
    yield Hostile("a harmless pickle as a program", "a.exe", safe, "content is pickle")
    gguf = gguf_bytes({"w": (4, 8)})
    yield Hostile("gguf as pickle", "a.bin", gguf, "content is gguf")
    for ending in (".desktop", ".bat.", ".ps1 ", ".settingcontent-ms"):
        yield Hostile(f"text as {ending}", f"a{ending}", b"x: 1\n", "a program", "Config")
    yield Hostile("nothing at all", "a.safetensors", b"", "ends inside")


def headers() -> Iterator[Hostile]:
    """Safetensors headers that tools would read differently, or choke on."""
    whole = safetensors_bytes(WEIGHTS)

    def entry(**changes: object) -> dict[str, object]:
        return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}

    def made(*entries: dict[str, object], data: int) -> bytes:
        return framed(json.dumps(dict(zip("abc", entries, strict=False))).encode(), bytes(data))

    cases: dict[str, tuple[bytes, str]] = {
        "cut off": (whole[:-3], "header describes"),
        "trailing bytes": (whole + b"x", "header describes"),
        "cut inside the header": (whole[:20], "ends inside"),
        "a header of 4 EiB": (struct.pack("<Q", 1 << 62) + b"{}", "says it is"),
        "a negative length": (b"\xff" * 8 + b"{}", "says it is"),
        "overlap": (made(entry(), entry(data_offsets=[2, 6]), data=6), "overlap"),
        "a hole": (made(entry(), entry(data_offsets=[8, 12]), data=12), "gaps"),
        "two names for the same bytes": (made(entry(), entry(), data=4), "overlap"),
        "offsets backwards": (made(entry(data_offsets=[4, 0]), data=4), "not a range"),
        "a shape that overflows": (made(entry(shape=[1 << 62, 4]), data=4), "not valid"),
        "a shape below nothing": (made(entry(shape=[-1]), data=4), "lengths"),
        "an unknown number format": (made(entry(dtype="F128"), data=16), "dtype"),
        "a key twice": (framed(b'{"a":1,"a":2}'), "twice"),
        "NaN": (framed(b'{"a":NaN}'), "JSON"),
        "nested 50,000 deep": (framed(b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"), "JSON"),
        "not UTF-8": (framed(b'{"\xff":1}'), "JSON"),
        "metadata that is no text": (framed(b'{"__metadata__":{"a":1}}'), "text to text"),
        "a list": (framed(b"[1]"), "JSON"),
    }
    for trick, (data, reason) in cases.items():
        yield Hostile(trick, "m.safetensors", data, reason)


def polyglots() -> Iterator[Hostile]:
    """Files that are two things."""
    evil_zip = zip_bytes({"__main__.py": b"import os; os.mkdir('hacked')"})
    raw = json.dumps(
        {"w": {"dtype": "U8", "shape": [len(evil_zip)], "data_offsets": [0, len(evil_zip)]}}
    ).encode()
    yield Hostile("safetensors and zip", "m.safetensors", framed(raw, evil_zip), "zip archive")
    yield Hostile("safetensors and pickle", "m.safetensors", _pickle_header(), "multiprocessing")
    picture = png_bytes() + evil_zip
    yield Hostile("picture and zip", "p.png", picture, "zip archive", "Workflow")
    tails = {
        "rar": (b"Rar!\x1a\x07\x01\x00" + bytes(40), "RAR"),
        "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z"),
        "php": (b"<?PHP system($_GET[0]);", "PHP"),
        "shell": (b"\n#!/bin/sh\nmkdir hacked\n", "do not belong"),
        "pickle": (pickle.dumps(Evil(), 2), "do not belong"),
        "tar": (b"a.txt".ljust(257, b"\0") + b"ustar", "do not belong"),
        "byte": (b"x", "do not belong"),
    }
    for kind, whole in {"png": png_bytes(), "jpg": exif_image("JPEG", {}, None)}.items():
        for tail, (data, reason) in tails.items():
            yield Hostile(f"{kind} and {tail}", f"p.{kind}", whole + data, reason, "Workflow")
    for kind in ("GIF", "WEBP", "AVIF"):
        whole = exif_image(kind, {}, None) + tails["shell"][0]
        yield Hostile(f"{kind} and a script", "p.png", whole, "do not belong", "Other")
    packed = zip_bytes({"cat.png": png_bytes() + tails["rar"][0]})
    yield Hostile("png and rar in a data set", "d.zip", packed, "RAR", "Training Data")
    commented = png_with_chunk(b"teXt", b"<?php system($_GET[0]); ?>")
    yield Hostile("a script in a comment", "p.png", commented, "PHP", "Workflow")
    endless = png_bytes()[:-12] + tails["shell"][0]
    yield Hostile("png without an end, and a script", "p.png", endless, "broken", "Workflow")
    yield Hostile("half a picture", "p.png", png_bytes()[:40], "broken", "Workflow")


def ggufs() -> Iterator[Hostile]:
    """GGUF headers that tools would read differently, or choke on."""
    for trick, (data, reason) in broken_ggufs().items():
        yield Hostile(trick, "m.gguf", data, reason)


def _pickle_header() -> bytes:
    """A valid safetensors file that `pickle.load` reads as a call.

    The length of the header spells a text that swallows its other bytes and the start of the JSON.
    In the key, texts have printable lengths, and the lead byte of a two-byte letter is eaten as the
    argument of BINPUT, so that STACK_GLOBAL is its second.
    """
    module, name = b"multiprocessing.dummy.connection", b"AnyNameOf32LettersWouldBeTakenOk"
    calls = b"".join(b"U" + bytes([len(text)]) + text for text in (module, name))
    key = b"k" + calls + b"q\xc2\x93)R."
    raw = b'{"' + key + b'":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
    length = int.from_bytes(b"U\x09", "little")
    return framed(raw.ljust(length))


def _member(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        archive.writestr(info, data)
    return buffer.getvalue().replace(b"x" * len(name), name.encode())


def _link(name: str, target: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, target)
    return buffer.getvalue()


def _twice(first: bytes, second: bytes) -> bytes:
    data = zip_bytes({"a/data.pkl": first, "b/data.pkl": second})
    return data.replace(b"b/data.pkl", b"a/data.pkl")


def _flagged(data: bytes, flag: int) -> bytes:
    changed = bytearray(data)
    changed[changed.rfind(b"PK\x01\x02") + 8] |= flag
    return bytes(changed)


def _wrong_crc(data: bytes) -> bytes:
    changed = bytearray(data)
    for magic, at in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        changed[changed.find(magic) + at] ^= 0xFF
    return bytes(changed)


def _overlapping() -> bytes:
    """Two directory entries, one local file."""
    data = zip_bytes({"a.txt": b"a cat"})
    at, end = data.find(b"PK\x01\x02"), data.find(b"PK\x05\x06")
    entry = data[at:end]
    tail = bytearray(data[end:])
    tail[8:12] = struct.pack("<2H", 2, 2)
    tail[12:16] = struct.pack("<L", 2 * len(entry))
    other = entry.replace(b"a.txt", b"b.txt")
    return data[:at] + entry + other + bytes(tail)
