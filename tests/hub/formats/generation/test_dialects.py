import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.generation.fooocus import parse_fooocus
from hub.formats.generation.invokeai import parse_invokeai
from hub.formats.generation.novelai import parse_novelai
from hub.formats.generation.swarmui import parse_swarmui
from hub.formats.generation.types import GenerationResource, GenerationSource, ResourceKind
from hub.formats.generation.values import (
    file_stem,
    number_text,
    rest_as_text,
    to_float,
    to_int,
    to_size,
)

LORA = ResourceKind.LORA
SWARM = {
    "sui_image_params": {
        "prompt": "a cat <lora:inline:0.3>",
        "negativeprompt": "bad",
        "model": "sdxl/base.safetensors",
        "seed": 5,
        "steps": 20,
        "cfgscale": 7.0,
        "sampler": "euler",
        "scheduler": "karras",
        "width": 1024,
        "height": 768,
        "loras": ["ink.safetensors", ""],
        "loraweights": ["0.8"],
        "swarm_version": "0.9",
        "aspectratio": "4:3",
    },
    "sui_models": [
        {"name": "sdxl/base.safetensors", "hash": "0x" + "ab" * 32},
        {"name": "ink.safetensors", "hash": "0x" + "cd" * 32},
        {"name": "nameless"},
    ],
    "sui_extra_data": {"date": "2026-01-01"},
}


def test_swarmui_is_read():
    data = parse_swarmui(json.dumps(SWARM))
    assert (data.prompt, data.negative_prompt) == ("a cat <lora:inline:0.3>", "bad")
    assert (data.model, data.model_hash) == ("base", "abababababab")
    assert (data.sampler, data.schedule_type, data.version) == ("Euler", "Karras", "0.9")
    assert (data.width, data.height, data.steps, data.seed) == (1024, 768, 20, 5)
    assert data.resources == (
        GenerationResource(LORA, "ink", 0.8, "cdcdcdcdcdcd"),
        GenerationResource(LORA, "inline", 0.3),
    )
    assert data.extra["aspectratio"] == "4:3"
    assert json.loads(data.extra["sui_extra_data"]) == {"date": "2026-01-01"}
    assert data.source is GenerationSource.SWARMUI


def test_older_swarmui_writes_lists_as_text():
    params = {"prompt": "x", "loras": "a,b", "loraweights": "1,0.5"}
    data = parse_swarmui(json.dumps({"sui_image_params": params}))
    assert [(item.name, item.weight) for item in data.resources] == [("a", 1.0), ("b", 0.5)]
    assert (data.model, data.model_hash) == (None, None)


def test_fooocus_is_read():
    values = {
        "prompt": "a cat",
        "negative_prompt": "bad",
        "steps": 30,
        "resolution": "(1152, 896)",
        "guidance_scale": 4.0,
        "base_model": "jugger.safetensors",
        "base_model_hash": "aeb7e9e689",
        "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "seed": "123",
        "loras": [["offset.safetensors", 0.1, "4852686128"], ["short.safetensors"], [], 3],
        "lora_combined_1": "extra.safetensors : 0.6",
        "lora_combined_2": "nothing",
        "styles": "['V2']",
        "metadata_scheme": "fooocus",
        "version": "Fooocus v2.5",
    }
    data = parse_fooocus(json.dumps(values))
    assert (data.width, data.height, data.cfg_scale, data.seed) == (1152, 896, 4.0, 123)
    assert (data.sampler, data.model, data.model_hash) == ("DPM++ 2M SDE", "jugger", "aeb7e9e689")
    assert data.resources == (
        GenerationResource(LORA, "offset", 0.1, "4852686128"),
        GenerationResource(LORA, "short"),
        GenerationResource(LORA, "extra", 0.6),
    )
    assert data.extra["styles"] == "['V2']"
    assert data.source is GenerationSource.FOOOCUS
    assert parse_fooocus('{"base_model": 1, "guidance_scale": 2}').width is None


def test_ruined_fooocus_is_read():
    values = {
        "software": "RuinedFooocus",
        "Prompt": "a cat",
        "Negative": "bad",
        "steps": 30,
        "cfg": 8,
        "width": 1024,
        "height": 1152,
        "seed": 9,
        "sampler_name": "euler",
        "scheduler": "beta",
        "base_model_name": "m.safetensors",
        "base_model_hash": "abc",
        "loras": [["4852", "0.5 - ink.safetensors"], ["x", "odd"], ["x"], 1],
    }
    data = parse_fooocus(json.dumps(values))
    assert (data.prompt, data.negative_prompt, data.model) == ("a cat", "bad", "m")
    assert data.resources == (GenerationResource(LORA, "ink", 0.5, "4852"),)
    assert data.source is GenerationSource.RUINED_FOOOCUS
    assert parse_fooocus('{"software": "RuinedFooocus"}').model is None


def test_novelai_is_read():
    comment = {"steps": 28, "scale": 5, "seed": 7, "uc": "bad", "sampler": "k_euler", "sm": True}
    chunks = {
        "Software": "NovelAI",
        "Description": "a cat",
        "Source": "NovelAI Diffusion V3",
        "Comment": json.dumps(comment),
    }
    data = parse_novelai(chunks)
    assert (data.prompt, data.negative_prompt, data.sampler) == ("a cat", "bad", "Euler")
    assert (data.model, data.extra) == ("NovelAI Diffusion V3", {"sm": "true"})
    assert parse_novelai({**chunks, "Software": "GIMP"}) is None
    assert parse_novelai({**chunks, "Comment": "no"}) is None


def test_invokeai_is_read():
    values = {
        "positive_prompt": "a cat",
        "negative_prompt": "bad",
        "scheduler": "dpmpp_2m_k",
        "cfg_scale": 7.5,
        "steps": 30,
        "seed": 1,
        "width": 512,
        "height": 512,
        "model": {"name": "sd15", "hash": "blake3:abcd"},
        "vae": {"model_name": "mse"},
        "loras": [
            {"model": {"name": "ink", "hash": "random:ef"}, "weight": 0.75},
            {"lora": {"model_name": "old"}, "weight": 1},
            {"model": {}},
        ],
        "app_version": "5.0",
        "generation_mode": "txt2img",
    }
    data = parse_invokeai(json.dumps(values))
    assert (data.sampler, data.schedule_type) == ("DPM++ 2M", "Karras")
    assert (data.model, data.model_hash, data.vae) == ("sd15", "abcd", "mse")
    assert data.resources == (
        GenerationResource(LORA, "ink", 0.75, "ef"),
        GenerationResource(LORA, "old", 1.0),
    )
    assert data.extra["generation_mode"] == "txt2img"
    assert parse_invokeai('{"positive_prompt": "x"}').sampler is None


@pytest.mark.parametrize("parse", [parse_swarmui, parse_fooocus, parse_invokeai])
@pytest.mark.parametrize("text", ["", "{}", "[]", "{", "a cat", "[" * 100_000, '{"a": 1}'])
def test_other_texts_are_none(parse, text):
    assert parse(text) is None


odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
odd |= st.lists(odd, max_size=3) | st.lists(st.lists(odd, max_size=3), max_size=2)
KEYS = [*SWARM["sui_image_params"], "loras", "model", "vae", "resolution", "base_model", "software"]


@given(st.dictionaries(st.sampled_from(KEYS), odd))
def test_values_of_any_type_are_read_or_kept(values):
    parse_swarmui(json.dumps({"sui_image_params": values, "sui_models": [values, 1]}))
    parse_fooocus(json.dumps({**values, "metadata_scheme": "fooocus"}))
    parse_fooocus(json.dumps({**values, "software": "RuinedFooocus"}))
    parse_invokeai(json.dumps({**values, "positive_prompt": 1}))
    parse_novelai({"Software": "NovelAI", "Comment": json.dumps(values)})


def test_numbers_are_read_without_surprises():
    assert [to_int(value) for value in ("7", 7.0, True, "1_0", 10**30, "٣", 7.5, None)] == [
        *(7, 7, None, None, None, None, None, None)
    ]
    assert [to_float(value) for value in ("7.5", 7, True, "nan", "1e999", 10**400, "x")] == [
        *(7.5, 7.0, None, None, None, None, None)
    ]
    assert [number_text(value) for value in (7.0, 7.25, 1e300, 5)] == ["7", "7.25", "1e+300", "5"]
    assert [to_size(value) for value in ("8x9", "(8, 9)", "8", 8)] == [(8, 9), (8, 9), None, None]


def test_file_names_lose_only_model_suffixes():
    names = ["a/b.safetensors", "a\\b.ckpt", "v1.5", ".pt", "x.PT"]
    assert [file_stem(name) for name in names] == ["b", "b", "v1.5", ".pt", "x"]


def test_values_nested_too_deep_do_not_break_the_rest():
    nested: object = 1
    for _ in range(100_000):
        nested = [nested]
    assert rest_as_text({"deep": nested, "flat": [1]}, ()) == {"deep": "", "flat": "[1]"}
