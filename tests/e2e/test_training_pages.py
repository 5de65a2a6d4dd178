"""Crop page, preview grid, queue and wizard in a real browser: keys, late scripts, axe."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, Route, expect

from hub.accounts.models import User
from tests.e2e.accessibility import LANGUAGES, faults_in_every_look
from tests.e2e.conftest import LiveHub
from tests.factories.accounts import UserFactory, make_team
from tests.factories.grids import axes_of, make_grid
from tests.factories.runs import finished_run
from tests.factories.training import fill, make_base, make_dataset, make_job, picture_bytes
from training.datasets.models.item import Item
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import grids, lifecycle
from training.jobs.services.grids import CellKey

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def owner(live_hub: LiveHub, tmp_path: Path) -> Iterator[User]:
    """Somebody with a dataset, a finished run, half a grid and three runs in line.

    Made in a thread of its own: runs tell their events to the channel layer, which a thread with
    Playwright's loop refuses.
    """
    with ThreadPoolExecutor(1) as other:
        yield other.submit(make_everything, tmp_path).result()


def make_everything(folder: Path) -> User:
    person = UserFactory(username="linmo")
    team = make_team(owner=person)
    dataset = make_dataset(owner=person, team=team, name="Yuki", trigger_word="yuki_ns")
    fill(dataset, 3)
    mine = {"owner": person, "team": team, "dataset": dataset, "base": make_base(owner=person)}
    job = finished_run(folder, name="yuki v1", **mine)
    make_grid(job)
    claimed = grids.claim_next_grid(worker=WorkerNode.objects.get())
    assert claimed is not None
    for checkpoint in axes_of(job).checkpoints:
        (folder / "cell.png").write_bytes(picture_bytes(checkpoint.step))
        key = CellKey(0, checkpoint.pk, 0.5, 5.0, 7)
        grids.record_cell(grid_id=claimed.pk, attempt=1, key=key, path=folder / "cell.png")
    for number in range(3):
        make_job(name=f"run {number}", **mine)
    connection.close()
    return person


def crops() -> list[tuple[int, int, int, int] | None]:
    return [item.crop for item in Item.objects.order_by("position")]


def in_thread(ask: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as other:
        return other.submit(lambda: (ask(), connection.close())[0]).result()


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_crop_grid_and_queue(
    page: Page,
    prefer: Callable[[str, str], None],
    sign_in: Callable[[User], None],
    owner: User,
    language: str,
) -> None:
    sign_in(owner)
    prefer("dark", language)
    grid = in_thread(lambda: str(owner.preview_grids.get().pk))
    run = in_thread(lambda: owner.jobs.order_by("number")[0].number)
    found = {}
    addresses = (
        "/datasets/yuki/crop/",
        f"/grids/{grid}/",
        f"/runs/{run}/grids/new/",
        f"/runs/{run}/",
        "/queue/",
        "/train/",
    )
    for address in addresses:
        page.goto(address)
        expect(page.locator("h1")).to_have_count(1)
        found[address] = faults_in_every_look(page)
    assert {address: faults for address, faults in found.items() if faults} == {}


def test_a_picture_is_cropped_and_restored_by_keys_alone(
    page: Page, sign_in: Callable[[User], None], owner: User
) -> None:
    sign_in(owner)
    page.goto("/datasets/yuki/crop/")
    facts, place = page.locator("#crop-facts"), page.locator("#crop-place")
    expect(place).to_have_text("1 of 3")
    for key in ("-", "-", "-", "-", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(facts).to_contain_text(re.compile(r"^5\d × 5\d px"))
    page.keyboard.press("Enter")
    expect(place).to_have_text("2 of 3")
    expect(page.locator("#undo")).to_be_enabled()
    first = crops_now()[0]
    assert first is not None
    assert first[2] == first[3] < 64
    page.keyboard.press("Control+z")
    expect(page.locator("#redo")).to_be_enabled()
    assert crops_now() == [None, None, None]
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator("#redo")).to_be_disabled()
    assert crops_now()[0] == first
    page.get_by_role("button", name="Same for all").click()
    expect(page.locator(".crop-strip .i")).to_have_count(3)
    assert None not in crops_now()


def crops_now() -> list[tuple[int, int, int, int] | None]:
    found = in_thread(crops)
    assert isinstance(found, list)
    return found


def test_a_choice_made_before_htmx_has_loaded_still_brings_its_settings(
    page: Page, sign_in: Callable[[User], None], owner: User
) -> None:
    sign_in(owner)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.context.route(re.compile("htmx"), hold)
    page.goto("/train/", wait_until="commit")
    choice = page.get_by_role("radio", name="Textual Inversion")
    choice.check()
    expect(page.locator("[name=shown_method]")).to_have_value("lora")
    expect(page.get_by_label("Network dim")).to_have_count(1)
    for route in held:
        route.continue_()
    expect(page.locator("[name=shown_method]")).to_have_value("textual_inversion")
    expect(page.get_by_label("Network dim")).to_have_count(0)
    expect(choice).to_be_checked()


def test_a_run_moves_by_alt_and_arrow_and_keeps_the_focus(
    page: Page, sign_in: Callable[[User], None], owner: User
) -> None:
    sign_in(owner)
    page.goto("/queue/")
    names = page.locator("#q-waiting").locator("xpath=ancestor::section").locator(".qrow a")
    expect(names).to_have_text(["run 0", "run 1", "run 2"])
    names.nth(2).focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(names).to_have_text(["run 0", "run 2", "run 1"])
    expect(names.nth(1)).to_be_focused()
    rows = page.locator(".qrow[draggable=true]")
    height = rows.nth(2).evaluate("row => row.offsetHeight")  # the list may be drawn anew just now
    rows.nth(0).drag_to(rows.nth(2), target_position={"x": 40, "y": height - 3})
    expect(names).to_have_text(["run 2", "run 1", "run 0"])

    def cancel() -> None:
        job = owner.jobs.get(name="run 1")
        lifecycle.request_cancel(actor=owner, job=job)

    in_thread(cancel)
    expect(names).to_have_text(["run 2", "run 0"])


def test_a_cell_opens_large_and_hands_its_weight_to_publish(
    page: Page, sign_in: Callable[[User], None], owner: User
) -> None:
    sign_in(owner)
    page.goto(f"/grids/{in_thread(lambda: str(owner.preview_grids.get().pk))}/")
    first, second = [cell.get_attribute("href") for cell in page.locator("a.gcell").all()]
    page.locator("a.gcell").first.click()
    picture = page.locator("#enlarged-picture")
    expect(picture).to_have_attribute("src", first)
    page.keyboard.press("ArrowRight")
    expect(picture).to_have_attribute("src", second)
    page.keyboard.press("ArrowDown")  # not drawn yet: stays
    expect(picture).to_have_attribute("src", second)
    page.get_by_role("link", name="Use this epoch and weight").click()
    expect(page.get_by_label("Recommended weight")).to_have_value("0.5")
    last = in_thread(lambda: str(axes_of(owner.jobs.order_by("number")[0]).checkpoints[-1].pk))
    expect(page.locator("#chosen [name=checkpoint]")).to_have_value(str(last))
