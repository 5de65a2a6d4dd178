"""Hashes of pictures that look the same are near, of others far."""

import io

import numpy as np
from PIL import Image, ImageEnhance

from tests.factories.training import picture
from training.datasets.perceptual_hash import (
    LOOK_ALIKE_BITS,
    as_array,
    distance,
    nearest,
    perceptual_hash,
)


def test_a_smaller_brighter_jpeg_is_a_look_alike() -> None:
    original = picture(1, size=(512, 512))
    out = io.BytesIO()
    ImageEnhance.Brightness(original.resize((200, 200))).enhance(1.1).save(out, "JPEG", quality=70)
    copy = Image.open(out)
    assert distance(perceptual_hash(original), perceptual_hash(copy)) <= LOOK_ALIKE_BITS


def test_other_pictures_are_no_look_alikes() -> None:
    hashes = [perceptual_hash(picture(seed)) for seed in range(40)]
    nearest_pair = min(
        distance(one, other) for at, one in enumerate(hashes) for other in hashes[:at]
    )
    assert nearest_pair > LOOK_ALIKE_BITS


def test_the_search_finds_the_nearest_hash() -> None:
    values = [perceptual_hash(picture(seed)) for seed in range(20)]
    found = nearest(values[7] ^ 1, as_array(values))
    assert found == (7, 1)
    assert nearest(3, as_array([])) is None


def test_the_hash_fits_a_signed_64_bit_column() -> None:
    for seed in range(50):
        assert 0 <= perceptual_hash(picture(seed)) < 2**63
    assert np.int64(perceptual_hash(picture(0))) == perceptual_hash(picture(0))
