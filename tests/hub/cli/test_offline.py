"""`atelier hash` and `info`, names, folders and sidecars: everything that needs no hub."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.download import safe_name
from hub.cli.errors import LocalProblem, WrongUse
from hub.cli.folders import Layout, detect_layout, folder_for
from hub.cli.main import app
from hub.cli.needed import Need, needs_of
from hub.cli.sidecars import read_sidecars
from hub.cli.targets import Target, TargetKind, parse_target
from hub.formats.file_hashing import hash_file
from tests.factories.formats import png_bytes
from tests.factories.registry import lora_bytes

PROJECT = Path(__file__).resolve().parents[3]
INFOTEXT = (
    "a mountain <lora:ink:0.8>\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, "
    "CFG scale: 7, Seed: 1, Size: 64x64, Model hash: 0123456789, Model: base, "
    'Lora hashes: "ink: abcdefabcdef", Version: v1.10.1'
)


def call(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def test_hash_prints_every_kind_of_a_file(tmp_path):
    path = tmp_path / "ink.safetensors"
    path.write_bytes(lora_bytes())
    [row] = json.loads(call("hash", path, "--json").stdout)
    expected = {kind.value: value for kind, value in hash_file(path).as_mapping().items()}
    assert row["hashes"] == expected
    assert set(expected) == {"SHA256", "AutoV2", "AutoV3", "BLAKE3", "CRC32"}
    shown = call("hash", path).stdout
    assert all(value in shown for value in expected.values())


def test_info_reads_a_safetensors_header(tmp_path):
    path = tmp_path / "ink.safetensors"
    path.write_bytes(lora_bytes())
    facts = json.loads(call("info", path, "--json").stdout)
    rows = dict(facts["rows"])
    assert (facts["file_type"], rows["model"], rows["dim"]) == ("safetensors", "LORA", 4)
    assert facts["metadata"]["ss_network_module"] == "networks.lora"
    assert "ss_network_module" not in call("info", path).stdout
    assert "ss_network_module" in call("info", path, "--metadata").stdout


def test_a_name_that_is_no_text_is_printed_escaped(tmp_path):
    path = tmp_path / os.fsdecode(b"ink\xff.txt")
    path.write_bytes(b"x")
    [row] = json.loads(call("hash", path, "--json").stdout)
    assert row["path"] == str(path)
    assert "ink\\udcff.txt" in call("hash", path).stdout


def test_info_lists_what_a_pickle_would_run_and_runs_nothing(tmp_path):
    witness = tmp_path / "witness"
    path = tmp_path / "bad.pt"
    path.write_bytes(f"cos\nsystem\n(S'touch {witness}'\ntR.".encode())
    rows = dict(json.loads(call("info", path, "--json").stdout)["rows"])
    assert rows["verdict"] == "dangerous"
    assert rows["dangerous imports"] == ["os.system"]
    assert not witness.exists()


def test_info_reads_the_generation_data_of_a_picture(tmp_path):
    path = tmp_path / "made.png"
    path.write_bytes(png_bytes({"parameters": INFOTEXT}))
    rows = dict(json.loads(call("info", path, "--json").stdout)["rows"])
    assert rows["made by"] == "a1111"
    assert rows["generation data"].startswith("a mountain <lora:ink:0.8>")


def test_a_broken_file_is_told_with_the_code_of_its_problem(tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(lora_bytes()[:-10])
    done = call("info", path, "--json", code=8)
    assert json.loads(done.stderr)["code"] == "safetensors_wrong_length"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("x", "y")
    path.write_bytes(archive.getvalue())
    assert json.loads(call("info", path, "--json").stdout)["file_type"] == "zip"


def test_a_picture_needs_each_model_once_and_says_where_it_has_no_hash(tmp_path):
    path = tmp_path / "made.png"
    text = INFOTEXT.replace("<lora:ink:0.8>", "<lora:ink:0.8> <lora:lost:1>")
    path.write_bytes(png_bytes({"parameters": text}))
    assert set(needs_of(path)) == {
        Need("checkpoint", "base", "0123456789"),
        Need("lora", "ink", "abcdefabcdef"),
        Need("lora", "lost", ""),
    }


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("123", TargetKind.MODEL, "123"),
        ("model:1234567890", TargetKind.MODEL, "1234567890"),
        ("version:45", TargetKind.VERSION, "45"),
        ("12@45", TargetKind.VERSION, "45"),
        ("urn:air:sdxl:lora:atelier:12@45", TargetKind.VERSION, "45"),
        ("urn:air:sdxl:lora:atelier:12@45+6", TargetKind.VERSION, "45"),
        ("hash:ABCDEF12", TargetKind.HASH, "ABCDEF12"),
        ("1234567890", TargetKind.HASH, "1234567890"),
        ("https://hub.example/api/v1/models/7", TargetKind.MODEL, "7"),
    ],
)
def test_what_a_person_may_name(text, kind, key):
    assert parse_target(text) == Target(kind, key)


@pytest.mark.parametrize("text", ["", "ink wash", "hash:xyz", "hash:1234567", "version:", "-1"])
def test_what_names_nothing_is_refused(text):
    with pytest.raises(WrongUse):
        parse_target(text)


@pytest.mark.parametrize(
    ("sign", "layout", "lora"),
    [
        ("webui.py", Layout.A1111, "models/Lora"),
        ("models/Stable-diffusion", Layout.A1111, "models/Lora"),
        ("comfy", Layout.COMFYUI, "models/loras"),
        ("models/checkpoints", Layout.COMFYUI, "models/loras"),
        ("invokeai.yaml", Layout.INVOKEAI, "models/sdxl/lora"),
        ("anything", Layout.FLAT, "."),
    ],
)
def test_the_folder_of_a_webui_is_known_by_what_is_in_it(tmp_path, sign, layout, lora):
    (tmp_path / sign).mkdir(parents=True)
    assert detect_layout(tmp_path) is layout
    place = folder_for(tmp_path, Layout.AUTO, model_type="LORA", base_family="sdxl")
    assert place == tmp_path / lora


def test_a_webui_without_a_folder_for_a_type_says_so(tmp_path):
    with pytest.raises(LocalProblem, match="Hypernetwork"):
        folder_for(tmp_path, Layout.INVOKEAI, model_type="Hypernetwork", base_family="sd1")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("ink.safetensors", "ink.safetensors"),
        ("../../etc/passwd", "passwd"),
        ("a\\b\\c.pt", "c.pt"),
        ('a<b>:"c"?.pt', "a_b___c__.pt"),
        (".hidden", "hidden"),
        ("con.pt", "_con.pt"),
        ("..", "_"),
        ("水墨.safetensors", "水墨.safetensors"),
    ],
)
def test_names_become_plain_file_names(name, safe):
    assert safe_name(name) == safe


def test_damaged_sidecars_count_as_none(tmp_path):
    path = tmp_path / "ink.safetensors"
    Path(tmp_path / "ink.civitai.info").write_text("{broken")
    Path(tmp_path / "ink.json").write_text('["a list"]')
    found = read_sidecars(path)
    assert (found.model_name, found.trigger_words, found.pictures) == ("", (), ())


def test_completion_scripts_are_made_for_every_shell():
    for shell in ("bash", "zsh", "fish"):
        asked = {**os.environ, "_ATELIER_COMPLETE": f"source_{shell}"}
        command = [sys.executable, "-m", "hub.cli"]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=PROJECT, env=asked, check=True
        )
        assert "_ATELIER_COMPLETE" in done.stdout
