import json

import pytest
from hypothesis import given

from hub.formats.errors import GenerationDataError
from hub.formats.generation.json_form import from_json, to_json
from hub.formats.generation.types import GenerationData
from tests.hub.formats.generation.test_a1111 import generation_data


@given(generation_data)
def test_all_data_survive_as_json(data):
    assert from_json(json.loads(json.dumps(to_json(data)))) == data


def test_missing_keys_take_defaults_and_unknown_ones_are_ignored():
    assert from_json({"prompt": "a", "new": 1}) == GenerationData(prompt="a")
    assert from_json({"cfg_scale": 7}).cfg_scale == 7.0


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": 1},
        {"prompt": None},
        {"sampler": 1},
        {"steps": "1"},
        {"steps": True},
        {"steps": 1.5},
        {"cfg_scale": "7"},
        {"cfg_scale": True},
        {"cfg_scale": float("nan")},
        {"hashes": []},
        {"extra": {"a": 1}},
        {"resources": {}},
        {"resources": [1]},
        {"resources": [{"kind": "other", "name": "a"}]},
        {"resources": [{"kind": [], "name": "a"}]},
        {"resources": [{"kind": "lora"}]},
        {"resources": [{"kind": "lora", "name": "a", "weight": "x"}]},
        {"source": "other"},
        {"source": []},
    ],
)
def test_values_of_the_wrong_type_are_refused(value):
    with pytest.raises(GenerationDataError) as caught:
        from_json(value)
    assert caught.value.code == "generation_invalid_field"
    assert next(iter(value)) in str(caught.value)
