"""The text of v1's answers is that of Python's `json`, byte by byte; only its maker is another."""

import json

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.api.civitai.json_text import json_text
from models_registry.models.file import FileKind

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
#: As sizes, weights and ratings are; see `json_text` for how smaller and larger ones are spelled.
NUMBERS = st.floats(0.001, 1e15) | st.floats(-1e15, -0.001) | st.just(0.0)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30)
@given(DATA)
def test_the_text_is_that_of_json(data) -> None:
    assert json_text(data) == json.dumps(data).encode()


@settings(max_examples=50)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_back_as_it_was(number) -> None:
    assert json.loads(json_text([number])) == [number]


def test_what_no_text_may_hold_is_an_escape() -> None:
    data = {"a": '\x00\x1f\x7f"\\/', "é": "水墨 \u2028 😀"}
    assert json_text(data) == json.dumps(data).encode()


def test_choices_and_words_of_translations_are_texts() -> None:
    data = [FileKind.VAE, {FileKind.VAE: gettext_lazy("Model")}]
    assert json.loads(json_text(data)) == ["VAE", {"VAE": "Model"}]


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no form"):
        json_text([object()])


def test_numbers_out_of_the_common_are_spelled_as_javascript_does() -> None:
    assert json_text([1e-05, 1e16, float("nan")]) == b"[0.00001, 1e16, null]"
