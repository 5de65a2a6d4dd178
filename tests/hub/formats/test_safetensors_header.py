import io
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from hub.formats.errors import FormatError, SafetensorsError
from hub.formats.safetensors_header import (
    DTYPE_BITS,
    NOT_JSON,
    HeaderLimits,
    declared_length,
    parse_header,
    read_header,
)
from hub.formats.safetensors_writer import encode_header, rewrite_metadata
from tests.factories.formats import framed, header_json, safetensors_bytes

TENSORS = {"a": ("F32", (2, 3)), "b.alpha": ("F16", ()), "empty": ("F16", (0, 4))}


def read(data: bytes, **limits: int):
    return read_header(io.BytesIO(data), limits=HeaderLimits(**limits))


def code_of(data: bytes, **limits: int) -> str:
    with pytest.raises(SafetensorsError) as caught:
        read(data, **limits)
    return caught.value.code


def entry(**changes):
    return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}


def test_a_file_of_the_safetensors_library_is_read(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file(
        {"w": np.ones((2, 3), np.float16), "v": np.zeros(5, np.float32)}, path, {"title": "墨"}
    )
    header = read_header(path)
    assert header.metadata == {"title": "墨"}
    assert header.by_name["w"].shape == (2, 3)
    assert header.by_name["w"].dtype == "F16"
    assert header.by_name["v"].size_bytes == 20
    assert header.data_offset + header.data_bytes == path.stat().st_size


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\udc00\\ud800"])
def test_half_of_a_surrogate_pair_is_no_text(half):
    for raw in (f'{{"a{half}":%s}}', f'{{"a":%s,"__metadata__":{{"k":"{half}"}}}}'):
        assert code_of(framed((raw % json.dumps(entry())).encode(), b"abcd")) == NOT_JSON.code


def test_whole_surrogate_pairs_are_text():
    raw = f'{{"a\\ud83c\\udf19":{json.dumps(entry())}}}'
    assert [tensor.name for tensor in read(framed(raw.encode(), b"abcd")).tensors] == ["a🌙"]


def test_a_reader_gives_tensors_in_header_order_and_takes_empty_ones():
    header = read(safetensors_bytes(TENSORS, {"k": "v"}))
    assert [tensor.name for tensor in header.tensors] == ["a", "b.alpha", "empty"]
    assert header.data_bytes == 26


def test_an_open_file_is_read_from_its_start_and_stays_open():
    stream = io.BytesIO(safetensors_bytes(TENSORS))
    stream.seek(7)
    assert len(read_header(stream).tensors) == 3
    assert not stream.closed


def test_packed_types_below_one_byte_are_known():
    raw = json.dumps({"q": {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}}).encode()
    assert parse_header(raw, data_bytes=2).tensors[0].size_bytes == 2
    assert DTYPE_BITS["F6_E2M3"] == 6


@pytest.mark.parametrize("cut", [0, 5, 8, 40])
def test_a_cut_off_header_is_refused(cut):
    assert code_of(safetensors_bytes(TENSORS)[:cut]) == "safetensors_too_short"


def test_missing_and_trailing_tensor_bytes_are_refused():
    whole = safetensors_bytes(TENSORS)
    assert code_of(whole[:-1]) == "safetensors_wrong_length"
    assert code_of(whole + b"x") == "safetensors_wrong_length"


def test_the_header_limit_holds_on_both_sides():
    whole = safetensors_bytes(TENSORS)
    length = declared_length(whole[:8])
    assert read(whole, max_header_bytes=length).header_bytes == length
    assert code_of(whole, max_header_bytes=length - 1) == "safetensors_header_too_long"


def test_the_tensor_limit_holds_on_both_sides():
    whole = safetensors_bytes({f"t{i}": ("U8", (1,)) for i in range(10)})
    assert len(read(whole, max_tensors=10, max_metadata_entries=0).tensors) == 10
    assert code_of(whole, max_tensors=9, max_metadata_entries=0) == "safetensors_too_many_entries"


def test_the_metadata_limit_holds_on_both_sides():
    whole = safetensors_bytes({}, {f"k{i}": "v" for i in range(5)})
    assert len(read(whole, max_metadata_entries=5).metadata) == 5
    assert code_of(whole, max_metadata_entries=4) == "safetensors_too_many_entries"


@pytest.mark.parametrize(
    "flood", [b'{"a":[' + b"[]," * 40_000 + b"[]]}", b'{"' + b'a":"","' * 40_000 + b'b":""}']
)
def test_a_flood_of_small_values_is_refused_before_it_is_parsed(flood):
    assert code_of(framed(flood), max_tensors=1_000) == "safetensors_too_many_entries"


def test_text_full_of_brackets_and_quotes_is_no_flood():
    text = json.dumps({f'"tag[{i}],{{': i for i in range(500)})
    whole = safetensors_bytes({}, {"ss_tag_frequency": text, "path": "C:\\\\x\\"})
    assert read(whole, max_tensors=10, max_metadata_entries=2).metadata["ss_tag_frequency"] == text


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" {}",
        b"[]",
        b"{",
        b'{"a":' + b"[" * 5_000,
        b'{"a":NaN}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"\xff":1}',
    ],
)
def test_what_is_no_json_object_is_refused(raw):
    assert code_of(framed(raw)) == "safetensors_not_json"


def test_a_key_that_comes_twice_is_refused():
    raw = b'{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
    assert code_of(framed(raw)) == "safetensors_duplicate_key"


@pytest.mark.parametrize("metadata", [None, [], {"a": 1}, {"a": None}, "x"])
def test_metadata_must_map_text_to_text(metadata):
    assert code_of(framed(json.dumps({"__metadata__": metadata}).encode())) == (
        "safetensors_bad_metadata"
    )


@pytest.mark.parametrize(
    "bad",
    [
        7,
        {"dtype": "F32"},
        entry(extra=1),
        entry(dtype="F33"),
        entry(dtype=["F32"]),
        entry(shape="1"),
        entry(shape=[True]),
        entry(shape=[-1]),
        entry(shape=[1.0]),
        entry(shape=[1 << 63, 0]),
        entry(data_offsets=[4, 0]),
        entry(data_offsets=[0]),
        entry(data_offsets=[0, 4, 8]),
        entry(shape=[2]),
    ],
)
def test_a_tensor_entry_that_is_wrong_is_refused(bad):
    assert code_of(framed(json.dumps({"t": bad}).encode(), b"abcd")) == "safetensors_bad_tensor"


def test_how_many_sides_a_tensor_may_have_is_limited():
    def shaped(sides: int) -> bytes:
        return framed(json.dumps({"t": entry(shape=[1] * sides)}).encode(), b"abcd")

    assert len(read_header(io.BytesIO(shaped(64))).tensors[0].shape) == 64
    assert code_of(shaped(65)) == "safetensors_bad_tensor"


@pytest.mark.parametrize("second", [[3, 7], [5, 9], [0, 4]])
def test_gaps_and_overlaps_are_refused(second):
    raw = json.dumps({"a": entry(), "b": entry(data_offsets=second)}).encode()
    assert code_of(framed(raw, b"x" * second[1])) == "safetensors_not_contiguous"


@given(st.binary(max_size=400))
@example(framed(b'{"__metadata__":{}}'))
def test_arbitrary_bytes_raise_only_format_errors(data):
    try:
        header = read_header(io.BytesIO(data))
    except FormatError:
        return
    assert header.data_offset + header.data_bytes == len(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
tensor_like = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "XX"]) | json_values,
        "shape": st.lists(st.integers(-1, 5), max_size=3) | json_values,
        "data_offsets": st.lists(st.integers(-1, 99), max_size=3) | json_values,
    }
)


@given(
    st.dictionaries(st.text(max_size=5) | st.just("__metadata__"), tensor_like | json_values),
    st.binary(max_size=64),
)
def test_arbitrary_json_headers_raise_only_format_errors(value, data):
    try:
        header = read_header(io.BytesIO(framed(json.dumps(value).encode(), data)))
    except FormatError:
        return
    assert sum(tensor.size_bytes for tensor in header.tensors) == len(data)


def test_a_lying_length_allocates_nothing():
    data = (1 << 62).to_bytes(8, "little") + b"{}"
    lying_within_limit = (30 << 20).to_bytes(8, "little") + b"{}"
    tracemalloc.start()
    try:
        assert code_of(data) == "safetensors_header_too_long"
        assert code_of(lying_within_limit) == "safetensors_too_short"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


metadata_texts = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda key: key != "__metadata__"
    ),
    st.text(st.characters(exclude_categories=["Cs"])),
    max_size=5,
)


@given(metadata_texts)
def test_rewritten_metadata_reads_back_and_leaves_the_tensors_alone(tmp_path_factory, metadata):
    folder = tmp_path_factory.mktemp("rewrite", numbered=True)
    src, dst = folder / "a", folder / "b"
    save_file({"w": np.arange(6, dtype=np.float32)}, src, {"old": "1"})
    header = rewrite_metadata(src, dst, metadata)
    assert read_header(dst) == header
    assert header.metadata == metadata
    assert header.data_offset % 8 == 0
    old = read_header(src)
    assert src.read_bytes()[old.data_offset :] == dst.read_bytes()[header.data_offset :]
    assert load_file(dst)["w"].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_file_can_be_rewritten_in_place(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(safetensors_bytes(TENSORS, {"a": "1"}))
    rewrite_metadata(path, path, {"b": "2"})
    assert read_header(path).metadata == {"b": "2"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("metadata", [{"a": "\ud800"}, {"a": 1}])
def test_metadata_that_is_no_text_changes_nothing(tmp_path, metadata):
    path = tmp_path / "m.safetensors"
    path.write_bytes(safetensors_bytes(TENSORS))
    before = path.read_bytes()
    with pytest.raises(SafetensorsError) as caught:
        rewrite_metadata(path, path, metadata)
    assert caught.value.code == "safetensors_bad_metadata"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_encoded_header_without_metadata_has_no_metadata_key():
    raw, size = header_json(TENSORS)
    header = parse_header(raw, data_bytes=size)
    encoded = encode_header({}, header.tensors)
    assert b"__metadata__" not in encoded
    assert parse_header(encoded, data_bytes=size).tensors == header.tensors
