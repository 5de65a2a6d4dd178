"""A worker draws a preview grid with the real engine on the bundled base, in its own process."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hub.storage.blobs import open_blob, store_path
from tests.factories.comparisons import publish_tiny_lora, write_tiny_lora
from tests.factories.grids import make_grid
from tests.factories.runs import finished_run
from tests.factories.training import make_worker
from training.base_models.tiny.location import CHECKSUMS, TINY_ROOT
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import GridCell, PreviewGrid
from training.jobs.models.job import Job
from training.jobs.services import grids
from training.jobs.services.transitions import LeaseLost
from training.worker.grid_run import GridRun, run_next_grid
from training.worker.work_folder import WorkFolder

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600), pytest.mark.django_db]
LINE = "an apple --s 2 --w 64 --h 64"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A run on the bundled base whose last checkpoint is a real LoRA."""
    found = finished_run(tmp_path)
    bundled = (TINY_ROOT / CHECKSUMS).read_text(encoding="utf-8").split()[0]
    Job.objects.filter(pk=found.pk).update(base_sha256=bundled)
    path = tmp_path / "real.safetensors"
    write_tiny_lora(path)
    last = found.artifacts.filter(kind=ArtifactKind.CHECKPOINT).order_by("-step")[0]
    last.blob = store_path(path, content_type="application/octet-stream")
    last.save(update_fields=["blob"])
    found.refresh_from_db()
    return found


def checkpoints(job: Job) -> list[JobArtifact]:
    return list(job.artifacts.filter(kind=ArtifactKind.CHECKPOINT).order_by("step"))


def pixels(cell: GridCell) -> np.ndarray:
    with open_blob(cell.blob) as stream:
        return np.asarray(Image.open(stream).convert("RGB"), dtype=np.int16)


def test_each_cell_shows_its_checkpoint_at_its_weight_and_what_its_prompt_names(
    job: Job, tmp_path: Path
) -> None:
    publish_tiny_lora(job.owner, tmp_path)
    grid = make_grid(
        job,
        checkpoints=checkpoints(job)[-1:],
        prompts=[LINE, LINE.replace(" --s", " <lora:ink:1> --s")],
        weights=[0.0, 1.0],
    )
    ended = run_next_grid(worker=make_worker(), stopping=threading.Event())
    assert ended is not None
    assert (ended.state, ended.error_message) == (GridState.DONE, "")
    named = grid.cells.select_related("blob").get(prompt_index=1, weight=None)
    cells = {cell.weight: cell for cell in grid.cells.select_related("blob").filter(prompt_index=0)}
    assert set(cells) == {None, 0.0, 1.0}
    base = pixels(cells[None])
    assert base.shape == (64, 64, 3)
    assert np.array_equal(pixels(cells[0.0]), base)
    assert np.abs(pixels(named) - base).mean() > 1
    assert np.abs(pixels(cells[1.0]) - base).mean() > 1
    assert not (WorkFolder.of(grid.pk).root / "plan.json").exists()


def test_a_file_that_cannot_be_applied_fails_the_grid_in_words(job: Job) -> None:
    make_grid(job, checkpoints=checkpoints(job)[:1], prompts=[LINE], weights=[1.0])
    ended = run_next_grid(worker=make_worker(), stopping=threading.Event())
    assert ended is not None
    assert (ended.state, ended.error_code) == (GridState.FAILED, "invalid_config")
    assert ended.error_message
    assert ended.cells.count() == 1  # the base alone was drawn before


def test_a_worker_that_leaves_gives_the_grid_back_at_once(job: Job) -> None:
    grid = make_grid(job, prompts=[LINE])
    stopping = threading.Event()
    stopping.set()
    run_next_grid(worker=make_worker(), stopping=stopping)
    grid.refresh_from_db()
    assert (grid.state, grid.worker, grid.attempt) == (GridState.QUEUED, None, 1)


def test_a_grid_nobody_wants_any_more_is_not_drawn_to_its_end(job: Job) -> None:
    grid = make_grid(job, prompts=[LINE], seeds=list(range(20)))
    claimed = grids.claim_next_grid(worker=make_worker())
    assert claimed is not None
    grids.cancel_grid(actor=job.owner, grid=grid)
    with pytest.raises(LeaseLost):
        GridRun(claimed, stopping=threading.Event()).execute()
    assert PreviewGrid.objects.get(pk=grid.pk).state == GridState.CANCELED
    assert not GridCell.objects.filter(grid=grid).exists()
