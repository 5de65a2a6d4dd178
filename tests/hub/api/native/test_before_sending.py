"""What a client asks before it sends a file: is one of that size here, what does the header say."""

import pytest

from tests.factories.accounts import UserFactory
from tests.factories.registry import KOHYA_METADATA, lora_bytes, publish_model

pytestmark = pytest.mark.django_db


def header_of(data: bytes) -> dict[str, object]:
    length = int.from_bytes(data[:8], "little")
    return {"header": data[8 : 8 + length].decode(), "size_bytes": len(data)}


def test_a_size_is_known_only_where_the_file_is_within_reach(api_of):
    shown = publish_model(seed=1).files.get()
    hidden = publish_model(name="Hidden", seed=2, visibility="private").files.get()
    hidden.blob.size_bytes = shown.size_bytes + 7
    hidden.blob.save()
    anybody, owner = api_of(UserFactory()), api_of(hidden.version.model.owner)
    assert anybody.get(f"files/of-size/{shown.size_bytes}/") == {"any": True}
    assert anybody.get(f"files/of-size/{hidden.size_bytes}/") == {"any": False}
    assert owner.get(f"files/of-size/{hidden.size_bytes}/") == {"any": True}
    assert anybody.get(f"files/of-size/{10**30}/") == {"any": False}


def test_a_header_is_read_as_the_file_will_be(api_of):
    stated = {**KOHYA_METADATA, "modelspec.title": "Ink Wash", "modelspec.tags": "ink, wash"}
    facts = api_of(UserFactory()).post(
        "files/read-header/", header_of(lora_bytes(metadata=stated)), status=200
    )
    assert facts["title"] == "Ink Wash"
    assert (facts["type"], facts["base_model"]) == ("LORA", "SD 1.5")
    assert (facts["trigger_words"], facts["tags"]) == (["inkwash"], ["ink", "wash"])


def test_a_broken_header_says_what_is_wrong(api_of):
    body = {"header": '{"a":1,"a":2}', "size_bytes": 100}
    answer = api_of(UserFactory()).post("files/read-header/", body, status=400)
    assert answer["code"] == "safetensors_duplicate_key"
