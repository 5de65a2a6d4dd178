import json
import time
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.formats.generation.a1111 import emit_infotext, looks_like_infotext, parse_infotext
from hub.formats.generation.a1111_details import Detail, quote_value, scan_details
from hub.formats.generation.types import (
    GenerationData,
    GenerationResource,
    GenerationSource,
    ResourceKind,
)

LORA, EMBEDDING = ResourceKind.LORA, ResourceKind.EMBEDDING

CANONICAL = """masterpiece, (1girl:1.2), "quoted", 水墨画 <lora:inkwash:0.7>
BREAK
second: part <hypernet:anime:0.5>
Negative prompt: bad hands,
(worst quality:1.4), EasyNegative
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, \
Size: 832x1216, Model hash: 6ce0161689, Model: v1-5-pruned, VAE hash: 735e4c3a44, \
VAE: vae-ft-mse.safetensors, Denoising strength: 0.45, Clip skip: 2, Hires upscale: 2, \
Hires steps: 12, Hires upscaler: "Latent: nearest, exact", ADetailer model: face_yolov8n.pt, \
ADetailer prompt: "face, \\"smile\\"\\nblue eyes", ADetailer confidence: 0.3, \
Civitai resources: [{"type":"checkpoint","modelVersionId":290640}], \
Lora hashes: "inkwash: 0123456789ab", TI hashes: "EasyNegative: c74b4e810b03", \
Version: v1.10.1, Hashes: {"model": "6ce0161689", "lora:inkwash": "0123456789ab", \
"embed:EasyNegative": "c74b4e810b03"}"""


def test_every_field_of_an_infotext_is_read():
    data = parse_infotext(CANONICAL)
    assert data.prompt.startswith(
        'masterpiece, (1girl:1.2), "quoted", 水墨画 <lora:inkwash:0.7>\nBREAK\n'
    )
    assert data.negative_prompt == "bad hands,\n(worst quality:1.4), EasyNegative"
    assert (data.steps, data.sampler, data.schedule_type) == (28, "DPM++ 2M", "Karras")
    assert (data.cfg_scale, data.seed) == (6.5, 1234567890)
    assert (data.width, data.height) == (832, 1216)
    assert (data.model, data.model_hash) == ("v1-5-pruned", "6ce0161689")
    assert (data.vae, data.vae_hash) == ("vae-ft-mse.safetensors", "735e4c3a44")
    assert (data.denoising_strength, data.clip_skip) == (0.45, 2)
    assert (data.hires_upscale, data.hires_steps) == (2.0, 12)
    assert data.hires_upscaler == "Latent: nearest, exact"
    assert data.version == "v1.10.1"
    assert data.resources == (
        GenerationResource(LORA, "inkwash", 0.7, "0123456789ab"),
        GenerationResource(ResourceKind.HYPERNETWORK, "anime", 0.5),
        GenerationResource(EMBEDDING, "EasyNegative", None, "c74b4e810b03"),
    )
    assert data.hashes["model"] == "6ce0161689"
    assert dict(data.extra) == {
        "ADetailer model": "face_yolov8n.pt",
        "ADetailer prompt": 'face, "smile"\nblue eyes',
        "ADetailer confidence": "0.3",
        "Civitai resources": '[{"type":"checkpoint","modelVersionId":290640}]',
    }
    assert data.source is GenerationSource.A1111
    assert data.raw == CANONICAL


def test_a_canonical_text_is_written_as_it_was_read():
    assert emit_infotext(parse_infotext(CANONICAL)) == CANONICAL


@pytest.mark.parametrize(
    "text",
    [
        "just a prompt",
        "",
        "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512",
        "Negative prompt: bad\nSteps: 20",
        "Steps: 20, Seed: 5",
        'a\n\nb\nNegative prompt: c\n\nd\nSteps: 1, Model: "a, b"',
    ],
)
def test_other_canonical_texts_are_written_as_they_were_read(text):
    assert emit_infotext(parse_infotext(text)) == text


def test_foreign_number_notation_is_read_and_kept_in_the_raw_text():
    text = "x\nSteps: 020, CFG scale: 7.0, Seed: 1, Size: 512 x 768"
    data = parse_infotext(text)
    assert (data.steps, data.cfg_scale, data.width, data.height) == (20, 7.0, 512, 768)
    assert data.raw == text
    assert parse_infotext(emit_infotext(data)) == data


def test_windows_line_ends_and_outer_white_space_do_not_matter():
    text = "  a\r\nNegative prompt:  b \r\nSteps: 1, Seed: 2\r\n"
    data = parse_infotext(text)
    assert (data.prompt, data.negative_prompt, data.steps) == ("a", "b", 1)


def test_values_that_are_no_numbers_are_kept():
    data = parse_infotext("x\nSteps: many, Seed: 1e5, Size: large, CFG scale: 1e999, Model: m")
    assert (data.steps, data.seed, data.width, data.cfg_scale) == (None, None, None, None)
    assert dict(data.extra) == {
        "Steps": "many",
        "Seed": "1e5",
        "Size": "large",
        "CFG scale": "1e999",
    }
    assert parse_infotext(emit_infotext(data)) == data


def test_keys_that_come_twice_are_kept_both():
    data = parse_infotext("x\nSteps: 1, Seed: 2, Seed: 3, A: 1, A: 2, A: 3, Size: 1x1, Size: 2x2")
    assert data.seed == 2
    assert dict(data.extra) == {"Seed": "3", "A": "1", "A 2": "2", "A 3": "3", "Size": "2x2"}
    assert parse_infotext(emit_infotext(data)) == data


def test_unquoted_commas_belong_to_the_value_before():
    data = parse_infotext("x\nSteps: 1, Hires prompt: a, b, c, Seed: 2, stray, Model: m,, Z: 1")
    assert data.extra["Hires prompt"] == "a, b, c"
    assert (data.seed, data.model) == (2, "m")
    assert data.extra["Unlabelled"] == "stray"


def test_dates_and_addresses_survive_without_quotes():
    data = parse_infotext("x\nSteps: 1, Created Date: 2024-01-02T03:04:05.678Z, Url: http://a/b:1")
    assert data.extra["Created Date"] == "2024-01-02T03:04:05.678Z"
    assert data.extra["Url"] == "http://a/b:1"


def test_text_behind_the_details_is_kept():
    text = "x\nNegative prompt: y\nSteps: 1, Seed: 2\n\nTemplate: {a|b}\n\nNegative Template: y"
    data = parse_infotext(text)
    assert data.negative_prompt == "y"
    assert data.extra["Trailing text"] == "Template: {a|b}\n\nNegative Template: y"
    assert parse_infotext(emit_infotext(data)) == data


def test_details_without_steps_are_recognised_by_known_keys():
    assert parse_infotext("x\nSampler: Euler, Seed: 1, Foo: 2").sampler == "Euler"
    assert parse_infotext("hair: red, eyes: blue, mood: calm").prompt.startswith("hair")
    assert parse_infotext("x\nSampler: Euler").prompt == "x\nSampler: Euler"


def test_old_dumps_on_one_line_are_taken_apart():
    text = "a cat, cute. Negative prompt: bad. Steps: 20, Sampler: Euler a, Seed: 1, Size: 8x8"
    data = parse_infotext(text)
    assert data.prompt == "a cat, cute."
    assert data.negative_prompt == "bad."
    assert (data.steps, data.sampler, data.seed) == (20, "Euler a", 1)
    data = parse_infotext("a cat Steps: 20, Sampler: Euler a, Seed: 1")
    assert (data.prompt, data.negative_prompt, data.steps) == ("a cat", "", 20)
    data = parse_infotext("a cat\nNegative prompt: bad Steps: 20, Sampler: Euler a, Seed: 1")
    assert (data.prompt, data.negative_prompt, data.steps) == ("a cat", "bad", 20)


def test_steps_in_a_prompt_are_no_details():
    text = "how to dance\nSteps: left, right\nNegative prompt: feet\nmore"
    assert parse_infotext(text).steps is None
    assert parse_infotext(text).negative_prompt == "feet\nmore"


@pytest.mark.parametrize(
    ("tag", "kind", "weight"),
    [
        ("<lora:x:0.7>", LORA, 0.7),
        ("<lora:x:-1>", LORA, -1.0),
        ("<lora:x>", LORA, 1.0),
        ("<lora:x:>", LORA, 1.0),
        ("<lora:x:0.5:0.9>", LORA, 0.5),
        ("<lora:x:te=0.3:unet=0.6>", LORA, 0.3),
        ("<lyco:x:0.4>", LORA, 0.4),
        ("<hypernet:x:0.2>", ResourceKind.HYPERNETWORK, 0.2),
        ("<lora:x:nan>", LORA, 1.0),
    ],
)
def test_networks_are_found_in_prompts(tag, kind, weight):
    assert parse_infotext(f"a {tag} b").resources == (GenerationResource(kind, "x", weight),)


def test_hash_lists_that_are_something_else_are_kept():
    for value in ("nothing", "a: 1, a: 2", ": x"):
        data = parse_infotext(f'x\nSteps: 1, Lora hashes: "{value}", Lora hashes: "b: 1"')
        assert data.extra["Lora hashes"] == value
        assert data.resources[-1].hash == "1"
        assert parse_infotext(emit_infotext(data)) == data


@pytest.mark.parametrize("value", ["[1]", "{", '{"model": 1}', "x", "{}"])
def test_hashes_that_are_no_object_of_texts_are_kept(value):
    data = parse_infotext(f"x\nSteps: 1, Hashes: {value}")
    assert data.hashes == {}
    assert data.extra["Hashes"] == value


def test_the_model_hash_can_come_from_the_hashes_alone():
    data = parse_infotext('x\nSteps: 1, Hashes: {"model": "abc", "vae": "def", "odd": "1"}')
    assert (data.model_hash, data.vae_hash) == ("abc", "def")


def test_what_the_notation_cannot_carry_is_written_exactly():
    data = GenerationData(
        prompt=" a\nNegative prompt: no\nSteps: 3, ",
        negative_prompt="\nb",
        resources=(GenerationResource(LORA, "from: graph, x", 0.5, None),),
        hashes={"model": "z"},
        extra={"a,b:c": "1", "Steps": "7"},
        source=GenerationSource.COMFYUI,
    )
    text = emit_infotext(data)
    assert parse_infotext(text) == data
    assert "Exact fields" in text
    assert "Exact fields" not in emit_infotext(GenerationData(prompt="a", steps=1))


@pytest.mark.parametrize(
    "exact", ["[1]", "{", '{"steps": "x"}', '{"resources": [1]}', '{"nothing": 1}', "{}"]
)
def test_exact_fields_that_are_wrong_change_nothing(exact):
    quoted = json.dumps(exact)
    data = parse_infotext(f"x\nSteps: 5, Seed: 1, Exact fields: {quoted}")
    assert (data.prompt, data.steps, data.seed) == ("x", 5, 1)


def test_only_texts_with_details_look_like_infotexts():
    assert looks_like_infotext(CANONICAL)
    assert not looks_like_infotext("Created with GIMP")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a, b", '"a, b"'),
        ("a: b", '"a: b"'),
        ('say "hi"', 'say "hi"'),
        ('"hi"', '"\\"hi\\""'),
        ("墨,", '"墨,"'),
        ("a\nb", '"a\\nb"'),
        (" a", '" a"'),
        ('{"a": 1}', '{"a": 1}'),
        ("[1, 2", '"[1, 2"'),
        ("[1]x", '"[1]x"'),
        ("[" * 9_999, '"' + "[" * 9_999 + '"'),
    ],
)
def test_values_are_quoted_only_where_needed(value, written):
    assert quote_value(value) == written
    assert scan_details(f"A: 1, Key: {written}, B: 2")[1:-1] == [
        Detail("Key", value, is_plain=written == value and not value.startswith("{"))
    ]


def test_broken_quotes_are_plain_text():
    assert scan_details('A: "x, B: "y" z, C: [1') == [
        Detail("A", '"x', is_plain=True),
        Detail("B", '"y" z', is_plain=True),
        Detail("C", "[1", is_plain=True),
    ]


@pytest.mark.parametrize(
    "unit",
    ["a,", "a:", ":,", 'a:"', 'a:"\\",', 'a:{"b":1,', "a:[1,", "<lora:", "Steps: ", "\n", '"'],
)
def test_hostile_texts_take_linear_time(unit):
    def seconds(count: int) -> float:
        started = time.process_time()
        parse_infotext("x\nSteps: 1, " + unit * count)
        return time.process_time() - started

    seconds(1_000)
    assert seconds(40_000) < 3


numbers = st.floats(allow_nan=False, allow_infinity=False)
any_text = st.text() | st.sampled_from(
    [
        "a, b",
        "Negative prompt: x",
        "x\nNegative prompt: y",
        "Steps: 20, Sampler: a, Seed: 3",
        "BREAK",
        '"',
        "\\",
        "{}",
        "<lora:a:0.7>",
        "水墨，风",
    ]
)
optional_text = st.none() | any_text
hash_text = st.none() | st.text("0123456789abcdef", max_size=12)
resources = st.builds(
    GenerationResource,
    st.sampled_from(ResourceKind),
    any_text,
    st.none() | numbers,
    hash_text | optional_text,
)
labels = any_text | st.sampled_from(
    [
        "Steps",
        "Size",
        "Hashes",
        "Lora hashes",
        "Exact fields",
        "ADetailer model",
        "Version",
        "Model",
    ]
)
generation_data = st.builds(
    GenerationData,
    prompt=any_text,
    negative_prompt=any_text,
    steps=st.none() | st.integers(),
    sampler=optional_text,
    schedule_type=optional_text,
    cfg_scale=st.none() | numbers,
    seed=st.none() | st.integers(-1, 2**64),
    width=st.none() | st.integers(0, 10**7),
    height=st.none() | st.integers(-1, 10**7),
    model=optional_text,
    model_hash=hash_text,
    vae=optional_text,
    vae_hash=hash_text,
    denoising_strength=st.none() | numbers,
    clip_skip=st.none() | st.integers(),
    hires_upscale=st.none() | numbers,
    hires_steps=st.none() | st.integers(),
    hires_upscaler=optional_text,
    version=optional_text,
    resources=st.lists(resources, max_size=3).map(tuple),
    hashes=st.dictionaries(any_text | st.just("lora:a"), any_text, max_size=3),
    extra=st.dictionaries(labels, any_text, max_size=4),
    source=st.sampled_from(GenerationSource),
)


@given(generation_data)
@example(GenerationData(extra={"": "", "Steps": ""}))
@example(GenerationData(prompt="Steps: 1", steps=None, extra={"Unlabelled": "x"}))
def test_all_data_read_back_equal(data):
    again = parse_infotext(emit_infotext(data))
    assert again == data
    assert list(again.extra) == list(data.extra)
    assert list(again.hashes) == list(data.hashes)


@given(st.text() | st.lists(any_text, max_size=6).map("\n".join))
def test_reading_any_text_loses_nothing_that_was_read(text):
    data = parse_infotext(text)
    written = emit_infotext(data)
    assert parse_infotext(written) == data
    assert emit_infotext(parse_infotext(written)) == written
    assert data.raw == text


fragments = st.sampled_from(
    [
        *'",:{}[]\\\n',
        "Steps: ",
        "Size: 1x2",
        "a",
        "Hashes: ",
        "Lora hashes: ",
        " ",
        "Exact fields: ",
    ]
)


@given(st.lists(fragments, max_size=30).map("".join))
def test_fragments_in_any_order_read_back_equal(text):
    data = parse_infotext("x\nSteps: 1, Seed: 2, " + text)
    assert parse_infotext(emit_infotext(data)) == replace(data, raw="")
