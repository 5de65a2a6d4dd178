import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.base_model_names import base_model_name
from hub.formats.model_metadata import DatasetDirectory, ModelMetadata, read_model_metadata

KOHYA = {
    "ss_output_name": "inkwash",
    "ss_training_comment": "third try",
    "ss_base_model_version": "sd_v1",
    "ss_v2": "False",
    "ss_sd_model_name": "v1-5-pruned.safetensors",
    "ss_sd_model_hash": "cc6cb27103",
    "ss_new_sd_model_hash": "ab" * 32,
    "ss_network_module": "networks.lora",
    "ss_network_dim": "32",
    "ss_network_alpha": "16.0",
    "ss_network_args": '{"conv_dim": 8}',
    "ss_resolution": "(512, 768)",
    "ss_steps": "1500",
    "ss_epoch": "10",
    "ss_clip_skip": "2",
    "ss_seed": "42",
    "ss_unet_lr": "0.0001",
    "ss_optimizer": "bitsandbytes.optim.adamw.AdamW8bit",
    "ss_num_train_images": "200",
    "ss_dataset_dirs": json.dumps(
        {"10_inkwash": {"n_repeats": 10, "img_count": 20}, "bad": {"n_repeats": "x"}, "no": 1}
    ),
    "ss_tag_frequency": json.dumps(
        {"10_inkwash": {"inkwash": 20, " solo ": 12, "solo": 1, "odd": "x", "": 9}, "no": []}
    ),
    "modelspec.title": "Ink wash",
    "modelspec.author": "mika",
    "modelspec.tags": "style, ink",
    "modelspec.license": "None",
    "modelspec.architecture": "stable-diffusion-v1/lora",
}


def test_a_kohya_header_is_read():
    found = read_model_metadata(KOHYA)
    assert found.output_name == "inkwash"
    assert found.comment == "third try"
    assert found.base_model == "SD 1.5"
    assert found.base_model_version == "sd_v1"
    assert found.sd_model_name == "v1-5-pruned.safetensors"
    assert found.sd_model_hash == "ab" * 32
    assert (found.network_module, found.network_dim, found.network_alpha) == (
        "networks.lora",
        32,
        16.0,
    )
    assert found.network_args == {"conv_dim": "8"}
    assert found.resolution == (512, 768)
    assert (found.steps, found.epochs, found.clip_skip, found.seed) == (1500, 10, 2, 42)
    assert found.learning_rate == 0.0001
    assert found.image_count == 200
    assert (found.title, found.author, found.license) == ("Ink wash", "mika", None)
    assert found.tags == ("style", "ink")
    assert found.dataset_dirs == (DatasetDirectory("10_inkwash", 10, 20),)
    assert found.tag_frequency == {"10_inkwash": {"inkwash": 20, "solo": 13}}
    assert found.tag_totals().most_common(1) == [("inkwash", 20)]
    assert found.suggested_trigger_words() == ("inkwash",)


def test_a_modelspec_header_is_enough():
    found = read_model_metadata(
        {
            "modelspec.resolution": "1024x1024",
            "modelspec.trigger_phrase": "sks dog, sks",
            "modelspec.encoder_layer": "2",
            "modelspec.prediction_type": "v",
        }
    )
    assert found.resolution == (1024, 1024)
    assert found.suggested_trigger_words() == found.trigger_words == ("sks dog", "sks")
    assert found.clip_skip == 2
    assert found.prediction_type == "v"


def test_folder_names_stand_in_for_trigger_words():
    found = ModelMetadata(
        dataset_dirs=(
            DatasetDirectory("5_sks dog", 5, 0),
            DatasetDirectory("img", 1, 3),
            DatasetDirectory("3_", 1, 3),
        )
    )
    assert found.suggested_trigger_words() == ("sks dog",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512", (512, 512)),
        ("640x512", (640, 512)),
        ("(1024, 768)", (1024, 768)),
        ("0", None),
        ("None", None),
        ("wide", None),
    ],
)
def test_resolutions_are_read_in_every_notation(text, expected):
    assert read_model_metadata({"ss_resolution": text}).resolution == expected


@pytest.mark.parametrize("value", ["nan", "inf", "x", "", "None"])
def test_numbers_that_are_none_are_left_out(value):
    found = read_model_metadata({"ss_network_alpha": value, "ss_network_dim": value})
    assert (found.network_alpha, found.network_dim) == (None, None)


@pytest.mark.parametrize("value", ["[1]", "{", "[" * 100_000, "None", '{"a": {"b": true}}'])
def test_json_that_is_wrong_is_left_out(value):
    found = read_model_metadata({"ss_tag_frequency": value, "ss_dataset_dirs": value})
    assert found.tag_totals() == {}
    assert found.dataset_dirs == ()


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"ss_base_model_version": "sd_v1"}, "SD 1.5"),
        ({"ss_base_model_version": "sd_v2_v"}, "SD 2.1 768"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "SDXL 1.0"),
        (
            {"ss_base_model_version": "sdxl_base_v1-0", "ss_sd_model_name": "ponyV6.safetensors"},
            "Pony",
        ),
        (
            {
                "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
                "ss_sd_model_name": "Illustrious-XL.safetensors",
            },
            "Illustrious",
        ),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v"}, "SD 2.1 768"),
        ({"ss_v2": "True"}, "SD 2.1"),
        ({"ss_v2": "True", "ss_v_parameterization": "True"}, "SD 2.1 768"),
        ({"ss_v2": "False"}, "SD 1.5"),
        ({"ss_base_model_version": "of the future"}, None),
        ({}, None),
    ],
)
def test_base_models_have_their_community_names(metadata, name):
    assert base_model_name(metadata) == name


@given(st.dictionaries(st.sampled_from(sorted(KOHYA)), st.text() | st.sampled_from('01[{}]"')))
def test_any_metadata_can_be_read(metadata):
    found = read_model_metadata(metadata)
    assert len(found.suggested_trigger_words()) <= 10
