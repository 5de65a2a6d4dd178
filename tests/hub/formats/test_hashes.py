import hashlib
import random
import threading
import zlib

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from hub.formats import crc32 as chosen_crc32
from hub.formats import file_hashing, file_pieces, hashes
from hub.formats.file_hashing import CHUNK_BYTES, THREADED_FROM_BYTES, hash_file
from hub.formats.hashes import AUTOV1_MIN_BYTES, EMPTY_SHA256, HashKind, StreamHasher
from hub.formats.safetensors_header import HeaderLimits
from hub.formats.safetensors_writer import rewrite_metadata
from tests.factories.formats import safetensors_bytes


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def hash_bytes(data: bytes, step: int = 1 << 16, **options):
    hasher = StreamHasher(**options)
    for start in range(0, len(data), step):
        hasher.update(data[start : start + step])
    return hasher.finish()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest().upper()


@pytest.mark.parametrize("size", [0, 10, AUTOV1_MIN_BYTES + 3, THREADED_FROM_BYTES + 5])
def test_one_pass_gives_what_separate_passes_give(tmp_path, size):
    data = noise(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    hashes = hash_file(path)
    assert hashes.size_bytes == size
    assert hashes.sha256 == sha(data)
    assert hashes.autov2 == sha(data)[:10]
    assert hashes.blake3 == blake3(data).hexdigest().upper()
    assert hashes.crc32 == zlib.crc32(data).to_bytes(4, "little").hex().upper()
    assert hashes.autov3 is None


def test_crc32_is_written_in_civitai_byte_order():
    # zlib.crc32(b"123456789") is CBF43926, the check value of the algorithm.
    assert hash_bytes(b"123456789").crc32 == "2639F4CB"


def test_autov1_starts_at_two_mebibytes():
    data = noise(AUTOV1_MIN_BYTES)
    assert hash_bytes(data).autov1 == sha(data[0x100000:0x110000])[:8]
    assert hash_bytes(data[:-1]).autov1 is None


@pytest.mark.parametrize("step", [1, 7, 9, 1000, 1 << 20])
def test_autov3_is_the_hash_of_the_tensors_in_any_chunking(step):
    data = safetensors_bytes({"w": ("F32", (50, 10))}, {"sshs_model_hash": "ab" * 32})
    hashes = hash_bytes(data, step)
    assert hashes.autov3_full == sha(b"\x2a" * 2000)
    assert hashes.autov3 == sha(b"\x2a" * 2000)[:12]
    assert hashes.sshs == "AB" * 32
    assert hashes.sha256 == sha(data)


def test_editing_metadata_changes_every_hash_but_autov3(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(safetensors_bytes({"w": ("F32", (50, 10))}))
    before = hash_file(path)
    rewrite_metadata(path, path, {"title": "new"})
    after = hash_file(path)
    assert after.autov3_full == before.autov3_full
    assert not {after.sha256, after.blake3, after.crc32} & {
        before.sha256,
        before.blake3,
        before.crc32,
    }


@pytest.mark.parametrize(
    "data",
    [
        safetensors_bytes({"w": ("F32", (5,))}) + b"tail",
        safetensors_bytes({"w": ("F32", (5,))})[:-1],
        safetensors_bytes({"w": ("F32", (5,))})[:30],
        (50).to_bytes(8, "little") + b"x" * 60,
        (1).to_bytes(8, "little") + b"{" * 60,
        (1 << 60).to_bytes(8, "little") + b"{}",
        b"{}",
    ],
)
def test_only_valid_safetensors_have_a_tensor_hash(data):
    hashes = hash_bytes(data, 3)
    assert hashes.autov3_full is None
    assert hashes.sshs is None
    assert hashes.sha256 == sha(data)


def test_a_header_beyond_the_limit_is_not_kept():
    data = safetensors_bytes({"w": ("F32", (5,))}, {"k": "v" * 500})
    assert hash_bytes(data).autov3 is not None
    assert hash_bytes(data, limits=HeaderLimits(max_header_bytes=100)).autov3 is None


def test_a_file_without_tensor_bytes_has_no_tensor_hash():
    assert hash_bytes(safetensors_bytes({}, {"a": "b"})).autov3 is None


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("0x" + "ab" * 32, "AB" * 32),
        (" 0123abcd ", "0123ABCD"),
        ("0123abc", None),
        ("", None),
        ("None", None),
        ("g" * 64, None),
        (EMPTY_SHA256.lower(), None),
        (EMPTY_SHA256[:12].lower(), None),
        ("a" * 65, None),
    ],
)
def test_the_stated_hash_is_cleaned(stated, kept):
    data = safetensors_bytes({"w": ("U8", (5,))}, {"sshs_model_hash": stated})
    assert hash_bytes(data).sshs == kept


def test_the_mapping_has_civitai_names_and_only_known_hashes():
    assert set(hash_bytes(b"abc").as_mapping()) == {"SHA256", "AutoV2", "BLAKE3", "CRC32"}
    data = safetensors_bytes({"w": ("F32", (600_000,))}, {"sshs_model_hash": "ab" * 32})
    mapping = hash_bytes(data).as_mapping()
    assert set(mapping) == set(HashKind)
    assert [len(mapping[kind]) for kind in HashKind] == [64, 8, 10, 12, 64, 8, 64]


def test_progress_is_told_up_to_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(noise(CHUNK_BYTES * 2 + 1))
    seen = []
    hash_file(path, on_progress=lambda done, total: seen.append((done, total)))
    total = CHUNK_BYTES * 2 + 1
    assert seen == [(CHUNK_BYTES, total), (CHUNK_BYTES * 2, total), (total, total)]


def large_file(tmp_path) -> tuple:
    """A safetensors file that two threads hash, of a size that no piece divides."""
    data = safetensors_bytes({"w": ("U8", (THREADED_FROM_BYTES + 4321,))}, fill=b"\x07")
    path = tmp_path / "large.safetensors"
    path.write_bytes(data)
    return path, data


@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_large_file_has_the_hashes_of_its_stream(tmp_path, monkeypatch, is_mapped):
    if not is_mapped:  # an older kernel, or another system
        monkeypatch.setattr(file_pieces, "_mapping", lambda *_: None)
    path, data = large_file(tmp_path)
    seen = []
    assert hash_file(path, on_progress=lambda done, _: seen.append(done)) == hash_bytes(data)
    assert seen[-1] == len(data)
    assert seen == sorted(seen)
    other = noise(THREADED_FROM_BYTES + 99)
    path.write_bytes(other)
    assert hash_file(path) == hash_bytes(other)


@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_file_that_shrinks_meanwhile_is_an_error_and_leaves_no_thread(
    tmp_path, monkeypatch, is_mapped
):
    if not is_mapped:
        monkeypatch.setattr(file_pieces, "_mapping", lambda *_: None)
    path, data = large_file(tmp_path)
    before = threading.active_count()
    read_header = file_hashing.read_header

    def shrinking(source, **options):
        header = read_header(source, **options)
        path.write_bytes(data[:100])
        return header

    monkeypatch.setattr(file_hashing, "read_header", shrinking)
    with pytest.raises(OSError, match=r"too early|Bad address"):
        hash_file(path)
    assert threading.active_count() == before


def test_a_thread_that_stands_still_keeps_nothing_from_the_other(tmp_path, monkeypatch):
    path, data = large_file(tmp_path)
    is_through = threading.Event()
    given, this = file_pieces.PieceReader.give, threading.current_thread()
    light = []

    def give(reader, start, stop, update):
        if threading.current_thread() is not this:
            assert is_through.wait(30)
        elif isinstance(update.__self__, hashes.LightDigests):
            light.append(stop)
        given(reader, start, stop, update)

    def tell(done, total):
        if done == total:
            is_through.set()

    monkeypatch.setattr(file_pieces.PieceReader, "give", give)
    assert hash_file(path, on_progress=tell) == hash_bytes(data)
    assert len(light) >= len(data) // CHUNK_BYTES


def test_blake3_clears_the_registers_behind_crc32(monkeypatch):
    called = []

    class Blake3:
        def update(self, chunk):
            called.append("blake3")

    monkeypatch.setattr(hashes, "blake3", Blake3)
    monkeypatch.setattr(hashes, "crc32", lambda chunk, before: called.append("crc32") or before)
    hashes.LightDigests().update(b"abc")
    assert called == ["crc32", "blake3"]


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_every_crc32_is_zlibs(chunks):
    ours = theirs = 0
    for chunk in chunks:
        ours, theirs = chosen_crc32.crc32(chunk, ours), zlib.crc32(chunk, theirs)
    assert ours == theirs


def test_the_result_can_be_asked_for_twice_and_empty_chunks_count_for_nothing():
    hasher = StreamHasher()
    hasher.update(b"")
    hasher.update(b"abc")
    assert hasher.finish() is hasher.finish()


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_any_bytes_in_any_chunks_can_be_hashed(chunks):
    hasher = StreamHasher()
    for chunk in chunks:
        hasher.update(chunk)
    assert hasher.finish().sha256 == sha(b"".join(chunks))
