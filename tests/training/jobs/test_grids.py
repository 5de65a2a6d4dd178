"""Preview grids as rows: who may ask, whose turn it is, what a lost worker leaves."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models.functions import Now

from hub.accounts import services as accounts
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.factories.accounts import UserFactory
from tests.factories.grids import axes_of, make_grid
from tests.factories.runs import finished_run
from tests.factories.training import make_worker, picture_bytes
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import GridCell, PreviewGrid
from training.jobs.models.job import Job, Method
from training.jobs.services import grids
from training.jobs.services.grids import CellKey
from training.jobs.services.lifecycle import Failure
from training.jobs.services.transitions import LeaseLost

pytestmark = pytest.mark.django_db
BROKEN = Failure("internal_error", "It broke.")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return finished_run(tmp_path)


def claimed(job: Job) -> PreviewGrid:
    make_grid(job)
    found = grids.claim_next_grid(worker=make_worker())
    assert found is not None
    return found


def key_of(job: Job, **changes: Any) -> CellKey:
    checkpoint = axes_of(job).checkpoints[0]
    usual = {"prompt_index": 0, "checkpoint_id": checkpoint.pk, "weight": 0.5, "guidance": 5.0}
    return CellKey(**{**usual, "seed": 7, **changes})


def draw(grid: PreviewGrid, key: CellKey, folder: Path, *, picture: int = 0) -> GridCell:
    path = folder / f"cell-{picture}.png"
    path.write_bytes(picture_bytes(picture))
    return grids.record_cell(grid_id=grid.pk, attempt=grid.attempt, key=key, path=path)


def test_a_grid_counts_the_base_once_for_each_prompt_cfg_and_seed(job: Job) -> None:
    grid = make_grid(job, prompts=["a", "b"], guidances=[5.0, 7.0], seeds=[1, 2, 3])
    assert grid.checkpoints.count() == 2
    assert grid.total_cells == (1 + 2 * 2) * 2 * 2 * 3


def test_only_owner_and_managers_ask_and_strangers_find_nothing(job: Job) -> None:
    member, stranger = UserFactory(), UserFactory()
    accounts.add_member(actor=job.owner, team=job.team, user=member)
    with pytest.raises(NotAllowed):
        grids.request_grid(actor=member, job=job, axes=axes_of(job))
    with pytest.raises(NotFound):
        grids.request_grid(actor=stranger, job=job, axes=axes_of(job))
    grid = make_grid(job)
    for act in (grids.cancel_grid, grids.retry_grid):
        with pytest.raises(NotAllowed):
            act(actor=member, grid=grid)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": []},
        {"checkpoints": []},
        {"weights": [0.5, 0.5]},
        {"weights": [9.0]},
        {"guidances": [31.0]},
        {"seeds": [-1]},
    ],
)
def test_what_cannot_be_drawn_is_refused(job: Job, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        make_grid(job, **changes)
    assert not PreviewGrid.objects.exists()


def test_checkpoints_of_another_run_are_refused(job: Job, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = finished_run(tmp_path / "other")
    with pytest.raises(Invalid, match="of this run"):
        make_grid(job, checkpoints=axes_of(other).checkpoints)


def test_the_limit_of_pictures_is_a_setting(job: Job, settings) -> None:
    settings.GRID_MAX_PICTURES = 5
    assert make_grid(job).total_cells == 5
    with pytest.raises(Invalid, match="at most 5"):
        make_grid(job, weights=[0.5, 0.7, 1.0])


def test_a_team_has_room_for_so_many_grids_in_line(job: Job, settings) -> None:
    settings.TEAM_MAX_QUEUED_GRIDS = 1
    make_grid(job)
    with pytest.raises(Conflict, match="grids in line"):
        make_grid(job)


def test_a_whole_checkpoint_and_an_embedding_have_no_weight_to_vary(job: Job) -> None:
    for method in (Method.DREAMBOOTH, Method.TEXTUAL_INVERSION):
        Job.objects.filter(pk=job.pk).update(method=method)
        job.refresh_from_db()
        grid = make_grid(job, weights=[0.2, 0.4])
        assert (grid.weights, grid.total_cells) == ([1.0], 3)


def test_the_team_that_has_none_drawing_comes_before_the_older_grid(
    job: Job, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = finished_run(tmp_path / "other")
    worker = make_worker()
    first, second, third = make_grid(job), make_grid(job), make_grid(other)
    order = [grids.claim_next_grid(worker=worker) for _ in range(4)]
    assert order == [first, third, second, None]


def test_a_worker_too_small_for_the_run_leaves_its_grid_to_others(job: Job) -> None:
    grid = make_grid(job)
    small = make_worker("gpu@small", memory_bytes=job.min_memory_bytes - 1)
    assert grids.claim_next_grid(worker=small) is None
    assert grids.claim_next_grid(worker=make_worker()) == grid


def test_a_cell_told_twice_is_kept_once(job: Job, tmp_path: Path) -> None:
    grid = claimed(job)
    base = key_of(job, checkpoint_id=None, weight=None)
    for key in (key_of(job), base):
        first = draw(grid, key, tmp_path, picture=1)
        assert draw(grid, key, tmp_path, picture=2) == first
    assert GridCell.objects.count() == 2


def test_an_attempt_that_lost_the_grid_writes_nothing(job: Job, tmp_path: Path) -> None:
    grid = claimed(job)
    PreviewGrid.objects.filter(pk=grid.pk).update(lease_until=Now())
    assert grids.GRIDS.requeue_lost() == 1
    again = grids.claim_next_grid(worker=make_worker("gpu@two"))
    assert again is not None
    assert again.attempt == 2
    with pytest.raises(LeaseLost):
        draw(grid, key_of(job), tmp_path)
    with pytest.raises(LeaseLost):
        grids.GRIDS.finish(grid.pk, 1)
    draw(again, key_of(job), tmp_path)
    grids.GRIDS.finish(grid.pk, 2)
    grid.refresh_from_db()
    assert (grid.state, grid.lease_until) == (GridState.DONE, None)


def test_a_canceled_grid_takes_no_cell_and_can_go_on_later(job: Job, tmp_path: Path) -> None:
    grid = claimed(job)
    draw(grid, key_of(job), tmp_path)
    assert grids.cancel_grid(actor=job.owner, grid=grid).state == GridState.CANCELED
    with pytest.raises(LeaseLost):
        grids.GRIDS.renew(grid.pk, 1)
    assert grids.retry_grid(actor=job.owner, grid=grid).state == GridState.QUEUED
    assert grid.cells.count() == 1
    with pytest.raises(Conflict):
        grids.retry_grid(actor=job.owner, grid=grid)


def test_attempts_that_make_no_picture_end_in_a_failure_with_its_code(job: Job) -> None:
    make_grid(job)
    worker = make_worker()
    for attempt in range(1, settings.JOB_MAX_ATTEMPTS + 1):
        grid = grids.claim_next_grid(worker=worker)
        assert grid is not None
        assert grid.attempt == attempt
        grids.GRIDS.give_back(grid.pk, attempt, BROKEN)
    grid.refresh_from_db()
    assert (grid.state, grid.error_code) == (GridState.FAILED, "internal_error")
    assert grids.claim_next_grid(worker=worker) is None
