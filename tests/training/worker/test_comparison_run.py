"""A worker draws a comparison with the real engine on the bundled base, in its own process."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hub.storage.blobs import open_blob
from tests.factories.accounts import UserFactory
from tests.factories.comparisons import (
    make_comparison,
    publish_tiny_base,
    publish_tiny_lora,
    publish_tiny_vae,
)
from tests.factories.training import make_worker
from training.jobs.models.comparison import Comparison, ComparisonCell
from training.jobs.models.drawn import GridState
from training.worker.comparison_run import run_next_comparison
from training.worker.work_folder import WorkFolder

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600), pytest.mark.django_db]


def draw() -> Comparison | None:
    return run_next_comparison(worker=make_worker(), stopping=threading.Event())


def pixels(cell: ComparisonCell) -> np.ndarray:
    with open_blob(cell.blob) as stream:
        return np.asarray(Image.open(stream).convert("RGB"), dtype=np.int16)


def test_each_column_shows_the_version_at_its_weight_with_its_vae(tmp_path: Path) -> None:
    owner = UserFactory()
    base, lora = publish_tiny_base(owner), publish_tiny_lora(owner, tmp_path)
    vae = publish_tiny_vae(owner)
    comparison = make_comparison(lora, base, vaes=[None, vae], weights=[0.0, 1.0], seeds=[3])
    ended = draw()
    assert ended is not None
    assert (ended.state, ended.error_message) == (GridState.DONE, "")
    columns = list(comparison.columns.order_by("position"))
    own, other = columns[:3], columns[3:]
    plain, nothing, full = (pixels(column.cells.get()) for column in own)
    assert plain.shape == (64, 64, 3)
    assert np.array_equal(plain, nothing)
    assert np.abs(full - plain).mean() > 1
    # The same VAE from a file of its own draws the same.
    for column, expected in zip(other, (plain, nothing, full), strict=True):
        assert column.vae == vae
        assert np.abs(pixels(column.cells.get()) - expected).max() <= 1
    with open_blob(own[2].cells.get().blob) as stream:
        told = Image.open(stream).text["parameters"]
    assert "<lora:ink:1>" in told
    assert "Seed: 3" in told
    assert not (WorkFolder.of(comparison.pk).root / "plan.json").exists()


def test_a_version_that_lost_its_file_fails_the_comparison_in_words(tmp_path: Path) -> None:
    owner = UserFactory()
    base, lora = publish_tiny_base(owner), publish_tiny_lora(owner, tmp_path)
    make_comparison(lora, base)
    lora.files.all().delete()
    ended = draw()
    assert ended is not None
    assert (ended.state, ended.error_code) == (GridState.FAILED, "model_missing")
    assert not ComparisonCell.objects.exists()


def test_a_worker_that_leaves_gives_it_back_at_once(tmp_path: Path) -> None:
    owner = UserFactory()
    base, lora = publish_tiny_base(owner), publish_tiny_lora(owner, tmp_path)
    comparison = make_comparison(lora, base)
    stopping = threading.Event()
    stopping.set()
    run_next_comparison(worker=make_worker(), stopping=stopping)
    comparison.refresh_from_db()
    assert (comparison.state, comparison.worker, comparison.attempt) == (
        GridState.QUEUED, None, 1,
    )  # fmt: skip
