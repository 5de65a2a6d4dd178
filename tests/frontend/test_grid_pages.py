"""The pages of preview grids: asked for from a run, filled cell by cell, taken over by Publish."""

import re
import uuid
from pathlib import Path

import pytest
from django.test import Client

from tests.factories.accounts import UserFactory
from tests.factories.grids import axes_of, make_grid
from tests.factories.runs import finished_run
from tests.factories.training import make_worker, picture_bytes
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import PreviewGrid
from training.jobs.models.job import Job, Method
from training.jobs.services import grids
from training.jobs.services.grids import CellKey
from training.jobs.services.lifecycle import Failure

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(tmp_path: Path, client: Client) -> Job:
    found = finished_run(tmp_path)
    client.force_login(found.owner)
    return found


def draw_one(grid: PreviewGrid, folder: Path) -> CellKey:
    claimed = grids.claim_next_grid(worker=make_worker())
    assert claimed is not None
    checkpoint = axes_of(grid.job).checkpoints[-1]
    key = CellKey(
        prompt_index=0, checkpoint_id=checkpoint.pk, weight=0.5, guidance=5.0, seed=grid.seeds[0]
    )
    path = folder / "cell.png"
    path.write_bytes(picture_bytes(5))
    grids.record_cell(grid_id=grid.pk, attempt=claimed.attempt, key=key, path=path)
    return key


def page_of(client: Client, grid: PreviewGrid, **headers: str) -> str:
    return client.get(f"/grids/{grid.pk}/", headers=headers).content.decode()


def test_a_run_leads_to_its_grid_with_its_checkpoints_chosen(client: Client, job: Job) -> None:
    assert f"/runs/{job.number}/grids/new/" in client.get(f"/runs/{job.number}/").content.decode()
    page = client.get(f"/runs/{job.number}/grids/new/").content.decode()
    assert len(re.findall(r'name="checkpoints"[^>]*checked', page)) == 2
    chosen = [str(row.pk) for row in axes_of(job).checkpoints]
    answer = client.post(
        f"/runs/{job.number}/grids/new/",
        {
            "checkpoints": chosen,
            "prompts": "a yuki\n\na yuki in snow --s 4\n",
            "weights": "0.6，0.8, 1",
            "guidances": "5",
            "seeds": "7",
        },
    )
    grid = PreviewGrid.objects.get()
    assert answer["Location"] == f"/grids/{grid.pk}/"
    assert grid.prompts == ["a yuki", "a yuki in snow --s 4"]
    assert (grid.weights, grid.total_cells) == ([0.6, 0.8, 1.0], 2 * (1 + 2 * 3))
    assert f"/grids/{grid.pk}/" in client.get(f"/runs/{job.number}/").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("weights", "strong", "Write numbers separated by commas"),
        ("weights", "7", "Numbers here go from"),
        ("seeds", "1.5", "Write numbers separated by commas"),
        ("prompts", " ", "This field is required."),
    ],
)
def test_what_cannot_be_drawn_is_said_and_what_was_typed_stays(
    client: Client, job: Job, field: str, value: str, said: str
) -> None:
    sent = {
        "checkpoints": [str(axes_of(job).checkpoints[0].pk)],
        **{"prompts": "a yuki", "weights": "0.6", "guidances": "5", "seeds": "7"},
        field: value,
    }
    answer = client.post(f"/runs/{job.number}/grids/new/", sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert 'value="5"' in page
    assert not PreviewGrid.objects.exists()


def test_cells_appear_as_they_come_and_the_page_asks_until_the_last(
    client: Client, job: Job, tmp_path: Path
) -> None:
    grid = make_grid(job)
    empty = page_of(client, grid)
    assert 'hx-trigger="every 2s"' in empty
    assert empty.count('class="gcell wait"') == grid.total_cells
    key = draw_one(grid, tmp_path)
    part = page_of(client, grid, **HTMX)
    assert "<html" not in part
    assert part.count('class="gcell wait"') == grid.total_cells - 1
    assert f"1 / {grid.total_cells}" in part
    use = f"/runs/{job.number}/publish/?checkpoint={key.checkpoint_id}&amp;weight=0.5"
    assert use in part
    PreviewGrid.objects.filter(pk=grid.pk).update(state=GridState.DONE, lease_until=None)
    assert "hx-trigger" not in page_of(client, grid, **HTMX)


def test_publish_takes_the_epoch_and_weight_of_a_cell(client: Client, job: Job) -> None:
    checkpoint = axes_of(job).checkpoints[0]
    address = f"/runs/{job.number}/publish/?checkpoint={checkpoint.pk}"
    page = client.get(f"{address}&weight=0.65").content.decode()
    assert re.search(r'name="weight" value="0\.65"', page)
    assert f'name="checkpoint" value="{checkpoint.pk}"' in page
    for wrong in ("much", "99", "nan", ""):
        other = client.get(f"{address}&weight={wrong}").content.decode()
        assert re.search(r'name="weight" value="0\.8"', other)


def test_a_failed_grid_says_why_and_offers_what_is_missing(
    client: Client, job: Job, tmp_path: Path
) -> None:
    grid = make_grid(job)
    draw_one(grid, tmp_path)
    grids.GRIDS.fail(grid.pk, 1, Failure("out_of_memory", "CUDA has 1 GB left."))
    page = page_of(client, grid)
    assert "The device has too little memory." in page
    assert "CUDA has 1 GB left." in page
    client.post(f"/grids/{grid.pk}/do/retry/")
    assert PreviewGrid.objects.get().state == GridState.QUEUED
    client.post(f"/grids/{grid.pk}/do/cancel/")
    assert PreviewGrid.objects.get().state == GridState.CANCELED


def test_a_member_looks_and_a_stranger_finds_nothing(client: Client, job: Job) -> None:
    grid = make_grid(job)
    member, stranger = UserFactory(), UserFactory()
    job.team.memberships.create(user=member, role="member")
    client.force_login(member)
    page = page_of(client, grid)
    assert "Draw no more" not in page
    assert client.get(f"/runs/{job.number}/grids/new/").status_code == 403
    client.force_login(stranger)
    assert client.get(f"/grids/{grid.pk}/").status_code == 404
    assert client.post(f"/grids/{grid.pk}/do/cancel/").status_code == 404
    assert client.get(f"/grids/{uuid.uuid4()}/").status_code == 404
    assert PreviewGrid.objects.get().state == GridState.QUEUED


def test_a_grid_without_weights_has_no_column_for_them(client: Client, job: Job) -> None:
    grid = make_grid(job)
    assert '<th scope="col">Weight</th>' in page_of(client, grid)
    Job.objects.filter(pk=job.pk).update(method=Method.DREAMBOOTH)
    page = page_of(client, grid)

    assert 'scope="row"' not in page
    assert re.findall(r"<th[^>]*></th>", page) == []
