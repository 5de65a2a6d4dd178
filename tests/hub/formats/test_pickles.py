import builtins
import collections
import datetime
import io
import os
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.errors import ArchiveError, FormatError, PickleScanError
from hub.formats.pickle_globals import Verdict, judge_import
from hub.formats.pickles import PickleContainer, PickleLimits, scan_pickle
from tests.factories.formats import zip_bytes
from tests.hub.formats.test_detection import torch_bytes


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, function=os.system, *arguments):
        self.call = (function, arguments or ("touch hacked",))

    def __reduce__(self):
        return self.call


def scan(data: bytes, **limits):
    return scan_pickle(io.BytesIO(data), limits=PickleLimits(**limits))


def names(report) -> set[str]:
    return {f"{item.module}.{item.name}" for item in report.imports}


STATE = {
    "state_dict": collections.OrderedDict(a=torch.ones(2, 3), b=torch.zeros(4, dtype=torch.half)),
    "parameter": torch.nn.Parameter(torch.ones(1)),
    "step": 7,
}


@pytest.mark.parametrize("legacy", [False, True])
def test_an_ordinary_checkpoint_is_safe(legacy):
    report = scan(torch_bytes(STATE, legacy=legacy))
    assert report.verdict is Verdict.SAFE
    assert report.problems == ()
    expected = PickleContainer.TORCH_LEGACY if legacy else PickleContainer.TORCH_ZIP
    assert report.container is expected
    assert report.pickle_count == (5 if legacy else 1)
    assert "torch._utils._rebuild_tensor_v2" in names(report)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_with_a_command_is_dangerous_and_nothing_runs(legacy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = scan(torch_bytes({"w": torch.ones(2), "x": Evil()}, legacy=legacy))
    assert report.verdict is Verdict.DANGEROUS
    assert [item.name for item in report.imports_judged(Verdict.DANGEROUS)] == ["system"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_is_followed(protocol):
    evil = scan(pickle.dumps([Evil(), Evil(builtins.eval, "1")], protocol))
    assert evil.container is PickleContainer.PLAIN
    assert {item.name for item in evil.imports_judged(Verdict.DANGEROUS)} == {"system", "eval"}
    plain = scan(pickle.dumps({"a": [1, "x", b"y", {2}, datetime.date(2026, 1, 1)]}, protocol))
    assert plain.imports_judged(Verdict.DANGEROUS) == ()


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_arrays_are_safe(protocol):
    report = scan(pickle.dumps({"a": np.ones(3), "b": np.float32(1)}, protocol))
    assert report.imports_judged(Verdict.DANGEROUS) == ()


def test_names_that_come_out_of_the_memo_are_found():
    data = (
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940"  # push and memoise both, pop one
        b"\x8c\x04junk0"  # text nearest to the import is not what it takes
        b"h\x00h\x01\x93\x8c\x02ls\x85R."
    )
    assert [(item.module, item.name) for item in scan(data).imports] == [("os", "system")]


def test_names_that_are_put_and_copied_are_found():
    data = b"\x80\x02U\x05posixq\x05U\x06systemr\x06\0\0\0h\x05j\x06\0\0\0\x93."
    assert names(scan(data)) == {"posix.system"}
    data = b"Vos\np1\nVpopen\np2\n0g1\ng2\n\x93."
    assert names(scan(data)) == {"os.popen"}
    assert names(scan(b"\x80\x04\x8c\x01a2\x93.")) == {"a.a"}


def test_a_name_that_is_not_plain_text_is_dangerous():
    report = scan(b"\x80\x04\x8c\x02os]\x93.")
    assert report.verdict is Verdict.DANGEROUS
    assert names(report) == {"os.?"}
    assert scan(b"\x80\x04\x93.").verdict is Verdict.DANGEROUS
    assert names(scan(b"Pos\nVsystem\n\x93.")) == {"?.system"}


def test_inst_and_marks_are_followed():
    report = scan(b"(S'ls'\nios\nsystem\n.")
    assert names(report) == {"os.system"}
    assert names(scan(b"\x80\x04\x8c\x02os(K\x01K\x021\x8c\x06system\x93.")) == {"os.system"}


def test_extension_codes_are_suspicious():
    report = scan(b"\x80\x02\x82\x05.")
    assert report.verdict is Verdict.SUSPICIOUS
    assert report.imports[0].module == "copyreg extension"


def test_what_runs_before_the_damage_counts():
    whole = pickle.dumps([Evil(), "x" * 100], 4)
    report = scan(whole[:-30])
    assert report.verdict is Verdict.DANGEROUS
    assert report.problems


def test_a_damaged_harmless_pickle_is_not_safe():
    report = scan(pickle.dumps([collections.OrderedDict(), "x" * 100], 4)[:-30])
    assert report.verdict is Verdict.SUSPICIOUS
    assert "safetensors" in report.problems[0]


def test_pickles_in_a_row_are_all_read():
    report = scan(pickle.dumps({"a": 1}, 2) + pickle.dumps(Evil(), 2) + b"raw bytes behind")
    assert report.pickle_count == 2
    assert report.verdict is Verdict.DANGEROUS


def test_the_number_of_pickles_is_limited():
    data = pickle.dumps(1, 2)
    assert scan(data * 3, max_pickles=3).problems == ()
    assert scan(data * 4, max_pickles=3).verdict is Verdict.SUSPICIOUS


def test_the_sizes_are_limited_on_both_sides():
    data = pickle.dumps("x" * 50, 4)
    assert scan(data, max_pickle_bytes=len(data)).problems == ()
    assert scan(data, max_pickle_bytes=len(data) - 1).verdict is Verdict.SUSPICIOUS
    count = len(list(pickletools.genops(data)))
    assert scan(data, max_opcodes=count).problems == ()
    assert "opcodes" in scan(data, max_opcodes=count - 1).problems[0]


def test_a_length_that_lies_allocates_nothing():
    report = scan(b"\x80\x04\x8c\x01ab\x8e" + struct.pack("<Q", 1 << 40) + b"x")
    assert report.verdict is Verdict.SUSPICIOUS


def test_code_inside_a_torch_zip_is_suspicious():
    data = zip_bytes({"a/data.pkl": pickle.dumps({}), "a/code/__torch__.py": b"print(1)"})
    assert scan(data).verdict is Verdict.SUSPICIOUS


def test_a_name_that_comes_twice_in_a_zip_is_suspicious():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a/data.pkl", pickle.dumps(Evil()))
    assert scan(buffer.getvalue()).verdict is Verdict.DANGEROUS
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a/data.pkl", pickle.dumps({}))
    assert scan(buffer.getvalue()).verdict is Verdict.SUSPICIOUS


def test_pickles_hidden_under_other_names_are_found():
    data = zip_bytes({"a/data.pkl": pickle.dumps({}), "a/extra.bin": pickle.dumps(Evil())})
    assert scan(data).verdict is Verdict.DANGEROUS


def test_raw_storages_are_no_pickles_and_other_members_are_none_of_torchs():
    storage = b"\x80\x02" + b"cos\nsystem\n."
    members = {"a/data.pkl": pickle.dumps({}), "a/data/0": storage}
    report = scan(zip_bytes(members))
    assert (report.verdict, report.pickle_count) == (Verdict.SAFE, 1)
    report = scan(zip_bytes(members | {"a/note.txt": b"hello", "a/odd": b"\x80\x02\xff\xff"}))
    assert (report.verdict, report.pickle_count) == (Verdict.SUSPICIOUS, 1)
    assert [problem.split("'")[1] for problem in report.problems] == ["a/note.txt", "a/odd"]


def test_a_damaged_member_is_not_safe():
    data = zip_bytes({"a/data.pkl": b"\x80\x02\xff", "a/b": b"x"})
    assert scan(data).verdict is Verdict.SUSPICIOUS
    broken = bytearray(zip_bytes({"a/data.pkl": pickle.dumps({}), "a/b": b"plain"}))
    at = broken.rfind(b"PK\x01\x02")
    broken[at + 8] |= 1
    assert any("encrypted" in problem for problem in scan(bytes(broken)).problems)


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff", b"hello world", zip_bytes({"a": b"x"})])
def test_what_holds_no_pickle_is_refused(data):
    with pytest.raises(PickleScanError) as caught:
        scan(data)
    assert caught.value.code == "pickle_not_recognised"


def test_a_broken_zip_is_refused():
    with pytest.raises(ArchiveError):
        scan(b"PK\x03\x04 cut off")


@pytest.mark.parametrize(
    ("module", "name", "verdict"),
    [
        ("torch", "FloatStorage", Verdict.SAFE),
        ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", Verdict.SUSPICIOUS),
        ("builtins", "set", Verdict.SAFE),
        ("__builtin__", "getattr", Verdict.DANGEROUS),
        ("torch.storage", "_load_from_bytes", Verdict.DANGEROUS),
        ("torch", "load", Verdict.DANGEROUS),
        ("torch", "os.system", Verdict.DANGEROUS),
        ("torch.hub", "load", Verdict.DANGEROUS),
        ("torch", "hub.load", Verdict.DANGEROUS),
        ("numpy.testing._private.utils", "runstring", Verdict.DANGEROUS),
        ("collections", "OrderedDict.__class__", Verdict.DANGEROUS),
        ("os.path", "join", Verdict.DANGEROUS),
        ("omegaconf.dictconfig", "DictConfig", Verdict.SUSPICIOUS),
        ("torch", "nn.Linear", Verdict.SUSPICIOUS),
        ("", "", Verdict.SUSPICIOUS),
    ],
)
def test_imports_are_judged_by_their_names(module, name, verdict):
    assert judge_import(module, name) is verdict


CALLBACK = b"cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n"


def test_a_name_that_old_checkpoints_mention_is_safe_until_it_is_called():
    assert scan(b"\x80\x02}" + CALLBACK + b"}s.").verdict is Verdict.SAFE
    assert scan(b"\x80\x02" + CALLBACK + b")R.").verdict is Verdict.SUSPICIOUS
    assert scan(b"\x80\x02" + CALLBACK + b"\x85.").verdict is Verdict.SUSPICIOUS
    assert scan(b"\x80\x02" + CALLBACK + b"q\x00}0h\x00)\x81.").verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    ("opcode", "data"),
    [
        ("INST", b"(icollections\nOrderedDict\n."),
        ("OBJ", b"(ccollections\nOrderedDict\no."),
        ("EXT1", b"\x80\x02\x82\x05."),
        ("PERSID", b"P0\n."),
        ("DUP", b"K\x012\x86."),
        ("NEWOBJ_EX", b"\x80\x04ccollections\nOrderedDict\n)}\x92."),
        ("NEXT_BUFFER", b"\x80\x05\x97."),
    ],
)
def test_opcodes_that_no_model_needs_are_suspicious(opcode, data):
    report = scan(data)
    assert report.verdict is Verdict.SUSPICIOUS
    assert any(opcode in problem for problem in report.problems)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_format_errors(data):
    for candidate in (data, b"\x80\x04" + data, b"(" + data):
        try:
            scan(candidate, max_pickle_bytes=1 << 16)
        except FormatError:
            continue


opcodes = st.lists(
    st.sampled_from([op.code.encode("latin-1") for op in pickletools.opcodes])
    | st.sampled_from([b"Vos\n", b"Vsystem\n", b"\x8c\x01a", b"K\x01", b"cos\nsystem\n"]),
    max_size=40,
)


@given(opcodes)
def test_arbitrary_opcodes_raise_only_format_errors(codes):
    try:
        report = scan(b"".join(codes) + b".")
    except FormatError:
        return
    assert report.verdict in Verdict


@given(st.recursive(st.integers() | st.text() | st.binary(), st.lists, max_leaves=30))
def test_plain_values_are_always_safe(value):
    assert scan(pickle.dumps(value, 4)).verdict is Verdict.SAFE


FILLING = (
    b"\x80\x02c__builtin__\nbytearray\n\x8a\x06\0\0\0\0\0\x01\x85R.",
    b"c__builtin__\nbytearray\n(I99999999999\ntR.",
    b"\x80\x02cbuiltins\nlist\ncbuiltins\nrange\n\x8a\x06\0\0\0\0\0\x01\x85R\x85R.",
    b"\x80\x02cbuiltins\nrange\nK\x00\x8a\x06\0\0\0\0\0\x01\x86R.",
    b"\x80\x02ctorch\nFloatStorage\n\x8a\x06\0\0\0\0\0\x01\x85\x81.",
    b"\x80\x02\x8a\x06\0\0\0\0\0\x01\x85q\x00c__builtin__\nbytes\nh\x00R.",
)


@pytest.mark.parametrize("data", FILLING)
def test_a_few_bytes_that_would_fill_the_memory_are_not_cleared(data):
    report = scan(data)
    assert report.verdict is Verdict.SUSPICIOUS
    assert "fill the memory" in report.problems[0]


@pytest.mark.parametrize("protocol", range(6))
def test_types_as_values_and_small_containers_stay_clear(protocol):
    state = {
        "empty": b"",
        "bytes": bytearray(b"ab"),
        "set": {1},
        "by_name": collections.defaultdict(list),
        "size": torch.Size([3]),
        "types": [list, bytes],
    }
    assert scan(pickle.dumps(state, protocol)).verdict is Verdict.SAFE


@pytest.mark.parametrize("legacy", [False, True])
def test_weights_that_share_their_numbers_and_modules_stay_clear(legacy):
    weights = torch.ones(10)
    embedding = torch.nn.ParameterDict({"*": torch.nn.Parameter(torch.ones(1, 8))})
    state = {"whole": weights, "part": weights[3:], "none": torch.zeros(0), "words": embedding}
    report = scan(torch_bytes(state, legacy=legacy))
    assert (report.verdict, report.problems) == (Verdict.SAFE, ())


@pytest.mark.parametrize(("pairs", "verdict"), [(14, "safe"), (15, "suspicious")])
def test_how_often_tuples_may_lie_in_each_other_is_limited(pairs, verdict):
    nested = (1, 2)
    for _ in range(pairs):
        nested = (nested, nested)
    assert scan(pickle.dumps(nested, 2)).verdict == verdict


def test_a_long_tuple_without_others_in_it_stays_clear(monkeypatch):
    monkeypatch.setattr("hub.formats.pickle_machine.MOST_VALUES_IN_A_TUPLE", 100)
    assert scan(pickle.dumps(tuple(range(200)), 4)).verdict is Verdict.SAFE
    assert scan(pickle.dumps((1, tuple(range(100))), 4)).verdict is Verdict.SUSPICIOUS
