"""Pickles become safetensors in a process that may do nothing else."""

import collections
import pickle
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from hub.formats.conversion.lockdown import FORBIDDEN_STATUS, Allowance
from hub.formats.conversion.problems import ConversionError
from hub.formats.conversion.running import PROJECT, ConversionLimits, convert_pickle
from tests.factories.formats import zip_bytes
from tests.factories.hostile import Evil, hostile_files
from tests.hub.formats.test_detection import torch_bytes

ALLOWANCE = {"memory_bytes": 512 << 20, "cpu_seconds": 20, "output_bytes": 64 << 20}
WEIGHT = torch.arange(12, dtype=torch.float32).reshape(3, 4)


@pytest.fixture
def convert(tmp_path):
    def run(data: bytes, *, timeout: float = 60, max_tensors: int = 1000, **allowance: int):
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_bytes(data)
        target.unlink(missing_ok=True)
        limits = ConversionLimits(Allowance(**{**ALLOWANCE, **allowance}), timeout, max_tensors)
        try:
            header = convert_pickle(source, target, limits=limits, about={"from": "abc"})
        except ConversionError:
            assert not target.exists()
            raise
        return header, load_file(target)

    return run


def code_of(convert, data: bytes, **options) -> str:
    with pytest.raises(ConversionError) as caught:
        convert(data, **options)
    return caught.value.code


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_keeps_every_number(convert, legacy):
    state = collections.OrderedDict(
        plain=WEIGHT,
        turned=WEIGHT.t(),
        half=WEIGHT.half(),
        brain=WEIGHT.bfloat16(),
        part=WEIGHT[1:, 2:],
        repeated=torch.ones(1).expand(5),
        scalar=torch.tensor(3),
        empty=torch.zeros(0, 3),
        flags=WEIGHT > 5,
        parameter=torch.nn.Parameter(WEIGHT),
    )
    state["loss.logvar"] = torch.zeros(1)
    content = {"state_dict": state, "epoch": 3, "callbacks": {"x": [1]}, "optimizer": WEIGHT}
    header, found = convert(torch_bytes(content, legacy=legacy))
    assert set(found) == set(state) - {"loss.logvar"}
    for name, tensor in found.items():
        assert tensor.dtype == state[name].dtype
        assert torch.equal(tensor, state[name].detach())
    assert header.metadata == {"format": "pt", "epoch": "3", "from": "abc"}
    assert all(info.start % 2 == 0 for info in header.tensors if info.dtype == "F16")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"string_to_param": {"*": torch.ones(2, 768)}, "name": "cat"}, {"emb_params"}),
        ({"<cat>": torch.ones(768)}, {"emb_params"}),
        ({"clip_l": torch.ones(1, 768), "clip_g": torch.ones(1, 1280)}, {"clip_l", "clip_g"}),
        (
            {768: ({"linear.0.weight": WEIGHT}, {"linear.0.weight": WEIGHT}), "name": "h"},
            {"768.k.linear.0.weight", "768.v.linear.0.weight"},
        ),
        ({"params": {"a": WEIGHT, "b": WEIGHT}, "step": 1}, {"params.a", "params.b"}),
        (torch.ones(3, 768), {"emb_params"}),
    ],
    ids=["A1111 embedding", "diffusers embedding", "SDXL", "hypernetwork", "nested", "bare"],
)
def test_names_are_those_that_the_programs_read(convert, content, names):
    header, found = convert(torch_bytes(content))
    assert set(found) == names
    if "emb_params" in found:
        assert found["emb_params"].ndim == 2
    assert "name" not in header.metadata or header.metadata["name"] in {"cat", "h"}


def test_what_the_file_mentions_is_never_imported(convert):
    class_reference = {"callback": torch.nn.Linear, "w": WEIGHT, "v": WEIGHT}
    assert set(convert(torch_bytes(class_reference))[1]) == {"w", "v"}


def test_a_dangerous_name_ends_it(convert, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert code_of(convert, torch_bytes({"w": WEIGHT, "x": Evil()})) == "conversion_dangerous"
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "conversion_not_readable"),
        (pickle.dumps({"a": 1}), "conversion_not_readable"),
        (torch_bytes({"a": 1}), "conversion_no_weights"),
        (torch_bytes({"a": WEIGHT})[:-50], "conversion_not_readable"),
        (torch_bytes({"a": WEIGHT}, legacy=True)[:-20], "conversion_not_readable"),
        (zip_bytes({"a/data.pkl": b"\x80\x02(("}), "conversion_not_readable"),
        (torch_bytes({"a": WEIGHT.to(torch.complex64)}), "conversion_not_readable"),
    ],
    ids=["empty", "plain pickle", "no tensors", "cut zip", "cut legacy", "damaged", "complex"],
)
def test_what_cannot_be_converted_says_why(convert, data, code):
    assert code_of(convert, data) == code


def test_every_limit_holds_on_both_sides(convert):
    data = torch_bytes({"a": WEIGHT, "b": WEIGHT})
    header = convert(data)[0]
    size = header.data_offset + header.data_bytes
    assert len(convert(data, max_tensors=2)[1]) == 2
    assert code_of(convert, data, max_tensors=1) == "conversion_too_many_tensors"
    assert len(convert(data, output_bytes=size)[1]) == 2
    assert code_of(convert, data, output_bytes=size - 1) == "conversion_output_too_large"


def test_a_pickle_that_eats_memory_or_time_is_ended(convert):
    memory = b"\x80\x02cbuiltins\nlist\n(" + b"K\x01" + b"r\xff\xff\xff\xff" + b"tR."
    data = zip_bytes({"a/data.pkl": memory})
    code = code_of(convert, data, memory_bytes=128 << 20)
    assert code in {"conversion_out_of_memory", "conversion_not_readable"}
    # Nested lists that double: 2 ** 60 additions to a set of tuples cannot end by themselves.
    doubling = b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 60 + b"h\x00cbuiltins\nset\n((h\x00ltR."
    endless = zip_bytes({"a/data.pkl": doubling})
    assert code_of(convert, endless, timeout=1) == "conversion_out_of_time"
    assert code_of(convert, endless, cpu_seconds=1) == "conversion_out_of_time"


def test_no_hostile_file_gets_out(convert, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried = [case for case in hostile_files() if case.name.endswith((".ckpt", ".pt"))][::4]
    assert len(tried) > 10
    for case in tried:
        assert code_of(convert, case.data).startswith("conversion_"), case.trick
    assert not (tmp_path / "hacked").exists()


RIGHTS = """
import sys; sys.path.insert(0, sys.argv[1])
import os, socket
from hub.formats.conversion.lockdown import Allowance, give_up_rights
give_up_rights(Allowance(memory_bytes=256 << 20, cpu_seconds=5, output_bytes=1000))
def fork():
    if os.fork() == 0: os._exit(0)
def write():
    while True: os.write(2, bytes(600))
def kept(action):
    try: action()
    except (OSError, MemoryError): return False
    return True
actions = {
    "read a file": lambda: open("/etc/hostname"), "make a file": lambda: open("x", "w"),
    "open a socket": socket.socket, "make a pipe": os.pipe, "start a process": fork,
    "take memory": lambda: bytearray(400 << 20), "write more": write,
}
print([name for name, action in actions.items() if kept(action)])
"""
WATCHED = """
import sys; sys.path.insert(0, sys.argv[1])
import os
from hub.formats.conversion.lockdown import Allowance, lock_down
lock_down(Allowance(256 << 20, 5, 1000))
"""


def child(script: str, stderr: object = subprocess.DEVNULL) -> subprocess.CompletedProcess:
    command = [sys.executable, "-I", "-S", "-c", script, str(PROJECT)]
    options = {"stdout": subprocess.PIPE, "stderr": stderr, "timeout": 60}
    return subprocess.run(command, env={}, check=False, **options)


def test_the_process_has_lost_every_right_before_python_watches(tmp_path):
    with (tmp_path / "err").open("wb") as err:
        done = child(RIGHTS, err)
    assert done.stdout == b"[]\n"
    assert (tmp_path / "err").stat().st_size <= 1000


@pytest.mark.parametrize(
    "act",
    [
        "import colorsys",
        "open('/etc/hostname')",
        "os.system('true')",
        "exec('1')",
        "os.listdir('/')",
    ],
)
def test_and_python_ends_it_at_the_first_attempt(act):
    assert child(WATCHED + act).returncode == FORBIDDEN_STATUS


def test_the_process_that_asks_needs_no_torch():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import hub.formats.conversion.running, hub.formats.conversion.child\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'django')))"
    )
    assert child(script).returncode == 0
