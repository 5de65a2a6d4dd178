"""Generation data: what is read, kept, and given back without loss."""

import json
from dataclasses import replace

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery.models.generation import Process
from gallery.services.generation_data import (
    ReadGeneration,
    copy_text_of,
    generation_data_of,
    generation_text_of,
    process_of,
    read_generation_text,
)
from gallery.services.posts import NewImage, create_post
from gallery.services.process import process_image
from hub.formats.generation.a1111 import emit_infotext, parse_infotext
from hub.formats.generation.types import GenerationData
from tests.factories.accounts import UserFactory
from tests.factories.gallery import INFOTEXT, make_image, png_bytes, store_picture

COMFY_PROMPT = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 99,
            "steps": 25,
            "cfg": 7.5,
            "sampler_name": "euler_ancestral",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "dream.safetensors"},
    },
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 448}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a quiet lake", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
}


@pytest.mark.django_db
def test_what_a_picture_says_stands_in_columns_that_lists_can_filter() -> None:
    generation = make_image().generation
    assert generation.prompt.startswith("yuki_ns, 1girl")
    assert generation.prompt.endswith("looking at viewer")
    assert generation.negative_prompt == "lowres, extra fingers"
    assert (generation.sampler, generation.steps, generation.cfg_scale) == ("DPM++ 2M", 28, 6.5)
    assert (generation.width, generation.height, generation.clip_skip) == (512, 768, 2)
    assert (int(generation.seed), generation.model_name) == (1234567890, "anything")


@pytest.mark.django_db
def test_the_copied_text_of_an_a1111_picture_is_the_text_of_its_file() -> None:
    assert generation_text_of(make_image()) == INFOTEXT


@pytest.mark.django_db
@pytest.mark.parametrize(
    "texts",
    [
        {"parameters": INFOTEXT},
        {"prompt": json.dumps(COMFY_PROMPT)},
        {"parameters": 'one, two\nSteps: 3, Strange key: "a: b, c", Seed: 7'},
    ],
    ids=["a1111", "comfyui", "unknown keys"],
)
def test_what_was_copied_parsed_again_gives_the_same_data(texts: dict[str, str]) -> None:
    image = make_image(data=png_bytes(texts=texts))
    data = generation_data_of(image)
    assert data is not None
    copied = parse_infotext(generation_text_of(image))
    # The program that made the picture is not part of what it was asked for.
    assert replace(copied, source=data.source) == data


@pytest.mark.django_db
def test_a_comfyui_graph_becomes_text_that_a1111_reads() -> None:
    image = make_image(data=png_bytes(texts={"prompt": json.dumps(COMFY_PROMPT)}))
    lines = generation_text_of(image).splitlines()
    assert lines[0] == "a quiet lake"
    assert lines[1] == "Negative prompt: blurry"
    assert "Steps: 25" in lines[2]
    assert "Size: 640x448" in lines[2]
    assert image.generation.source == "comfyui"


@pytest.mark.django_db
def test_a_picture_without_data_has_no_text() -> None:
    image = make_image(data=png_bytes())
    assert not image.has_generation_data
    assert generation_text_of(image) == ""
    assert generation_data_of(image) is None


@pytest.mark.django_db
def test_a_text_that_comes_with_the_post_wins_over_the_file() -> None:
    blob = store_picture(png_bytes(texts={"parameters": INFOTEXT}))
    given_text = "another prompt\nSteps: 4, Seed: 5"
    post = create_post(
        actor=UserFactory(),
        images=[NewImage(blob=blob, filename="a.png", generation_text=given_text)],
    )
    image = post.images.get()
    process_image(image_id=image.pk, now=timezone.now())
    image.refresh_from_db()
    assert image.generation.prompt == "another prompt"
    assert generation_text_of(image) == given_text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        "nul \x00 inside\nSteps: 20, Seed: 1",
        "huge\nSteps: 99999999999999999999, Seed: 99999999999999999999999, Clip skip: 999999",
        "minus\nSteps: -3, Seed: -1, CFG scale: 1e300",
    ],
    ids=["nul", "too big for a column", "negative"],
)
def test_strange_values_are_kept_without_breaking_the_database(text: str) -> None:
    image = make_image(data=png_bytes(texts={"parameters": text}))
    assert image.status == "ready"
    assert image.has_generation_data
    assert generation_data_of(image) == parse_infotext(generation_text_of(image))


@pytest.mark.parametrize(
    ("text", "process"),
    [
        ("a\nSteps: 2, Seed: 1", Process.TXT2IMG),
        ("a\nSteps: 2, Denoising strength: 0.5, Seed: 1", Process.IMG2IMG),
        (
            "a\nSteps: 2, Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent",
            Process.TXT2IMG_HIRES,
        ),
        ("a\nSteps: 2, Denoising strength: 0.5, Mask blur: 4", Process.INPAINTING),
    ],
)
def test_the_way_a_picture_was_made_is_told_from_its_keys(text: str, process: Process) -> None:
    assert process_of(parse_infotext(text)) == process


words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\x00"), max_size=60)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(prompt=words, negative=words, seed=st.integers(0, 2**64), steps=st.integers(1, 150))
def test_any_prompt_survives_reading_and_copying(
    prompt: str, negative: str, seed: int, steps: int
) -> None:
    data = GenerationData(prompt=prompt, negative_prompt=negative, seed=seed, steps=steps)
    found = read_generation_text(emit_infotext(data))
    assert parse_infotext(copy_text_of(found)) == found.data
    assert parse_infotext(copy_text_of(ReadGeneration(text="", data=data))) == data
