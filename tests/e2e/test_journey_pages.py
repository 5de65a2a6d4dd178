"""Every page of the journeys for everyone: by keyboard, without script, on a phone, both languages.

The training journey walks through a run that really trains; here a finished run is told by its
events, since what is looked at is the pages.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Browser, Locator, Page, expect

from hub.accounts.models import User
from tests.e2e.accessibility import DESK, LANGUAGES, PHONE, faults_in_every_look
from tests.e2e.conftest import LiveHub
from tests.factories.accounts import UserFactory, make_team
from tests.factories.gallery import INFOTEXT, make_image, png_bytes
from tests.factories.registry import publish_model
from tests.factories.runs import finished_run
from tests.factories.training import fill, make_base, make_dataset, make_job

pytestmark = pytest.mark.timeout(600)

PASSWORD = "correct horse battery"
# Names of people's things: without a place to break, and longer than a phone is wide.
LONG = "没有空格的很长的名字会不会超出手机屏幕的宽度呢SupercalifragilisticAndStillGoingOn"
BETWEEN = (320, 820, 1060)  # axe looks at the others
MOST_TABS = 80


@pytest.fixture
def owner(live_hub: LiveHub, tmp_path: Path) -> User:
    """Somebody whose team has one of everything.

    Made in a thread of its own: runs tell their events to the channel layer, which a thread with
    Playwright's loop refuses.
    """
    with ThreadPoolExecutor(1) as other:
        return other.submit(make_everything, tmp_path).result()


def make_everything(folder: Path) -> User:
    person = UserFactory(username="linmo")
    team = make_team(owner=person)
    about = "## Use\n\nWith *paper*."
    version = publish_model(owner=person, name="Ink Wash", subject="style", description=about)
    make_image(owner=person, data=png_bytes(texts={"parameters": INFOTEXT}), model_version=version)
    dataset = make_dataset(owner=person, team=team, name="Yuki", trigger_word="yuki_ns")
    fill(dataset, 4)
    mine = {"owner": person, "team": team, "dataset": dataset, "base": make_base(owner=person)}
    finished_run(folder, name="yuki v1", **mine)
    make_job(name=LONG, **mine)
    long = make_dataset(owner=person, team=team, name=LONG, trigger_word=LONG.replace(" ", "_"))
    fill(long, 1)
    connection.close()
    return person


@pytest.fixture
def addresses(owner: User) -> list[str]:
    """The pages of the journeys with something on them; those of images have tests of their own."""
    done, waiting = owner.jobs.order_by("number").values_list("number", flat=True)
    team = owner.memberships.get().team
    return [
        "/",
        "/models/",
        "/models/ink-wash/",
        "/models/upload/",
        "/datasets/",
        "/datasets/yuki/",
        "/datasets/yuki/tags/",
        "/train/?dataset=yuki",
        "/runs/",
        f"/runs/{done}/",
        f"/runs/{done}/publish/",
        f"/runs/{waiting}/",
        "/queue/",
        "/teams/",
        f"/teams/{team.slug}/",
        "/settings/",
    ]


@pytest.fixture
def plain_page(browser: Browser, live_hub: LiveHub) -> Iterator[Page]:
    """A page in a browser that runs no script."""
    context = browser.new_context(base_url=live_hub.url, java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_any_page_and_none_scrolls_sideways(
    page: Page,
    prefer: Callable[[str, str], None],
    sign_in: Callable[[User], None],
    owner: User,
    addresses: list[str],
    language: str,
) -> None:
    sign_in(owner)
    prefer("dark", language)
    width = DESK if language == LANGUAGES[0] else PHONE  # where the page is when it loads
    page.set_viewport_size({"width": width, "height": 900})
    faults = {}
    for address in addresses:
        page.goto(address)
        expect(page.locator("h1")).to_have_count(1)
        faults[address] = faults_in_every_look(page) + sideways(page)
    assert {address: found for address, found in faults.items() if found} == {}


def sideways(page: Page) -> list[str]:
    """The widths at which the page is wider than the window; the old width comes back."""
    before = page.viewport_size
    found = []
    for width in BETWEEN:
        page.set_viewport_size({"width": width, "height": 900})
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            found.append(f"{needed} px at {width}")
    page.set_viewport_size(before)
    return found


def test_sign_in_list_and_model_work_by_keyboard_alone(page: Page, owner: User) -> None:
    page.goto("/accounts/login/")
    reach(page, page.get_by_label("User name or email"))
    page.keyboard.type(owner.username)
    reach(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Your account")).to_be_visible()

    page.goto("/models/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    reach(page, page.get_by_role("checkbox", name="LoRA"))
    page.keyboard.press("Space")
    expect(page.locator("#model-cards .card")).to_have_count(1)
    expect(page.get_by_role("checkbox", name="LoRA")).to_be_focused()
    reach(page, page.get_by_role("link", name="Ink Wash"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ink Wash", level=1)).to_be_visible()

    reach(page, page.get_by_role("button", name="Copy trigger word inkwash"))
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Copied: inkwash")
    reach(page, page.get_by_role("slider", name="Weight"))
    page.keyboard.press("ArrowRight")
    expect(page.locator("#prompt-tag")).to_have_text(re.compile(r":0\.85>$"))


def reach(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; whatever gets it on the way shows it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches(':focus-visible')") and target.evaluate(
            "(element) => element === document.activeElement"
        ):
            return
    pytest.fail(f"Tab does not lead to {target}.")


def test_the_ways_through_the_hub_work_without_javascript(plain_page: Page, owner: User) -> None:
    page = plain_page
    page.goto("/accounts/login/?next=/models/")
    page.get_by_label("User name or email").fill(owner.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.locator("#model-cards .card")).to_have_count(2)
    page.get_by_role("checkbox", name="LoRA").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#model-cards .card")).to_have_count(1)
    page.get_by_role("link", name="Ink Wash").click()
    with page.expect_download() as coming:
        page.locator("a.btn.primary[download]").click()
    assert coming.value.suggested_filename == "ink-wash.safetensors"
    page.get_by_role("button", name="Collect").click()
    page.get_by_label("New collection").fill("Mine")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Your collections are saved.")
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Private note").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.goto("/images/")
    page.locator("#images a").first.click()
    expect(page.locator("#viewer-panel")).to_contain_text("(red ribbon:1.2)")
    page.set_viewport_size({"width": PHONE, "height": 900})
    picture, panel = page.locator(".frame").bounding_box(), page.locator(".side").bounding_box()
    assert picture["y"] + picture["height"] <= panel["y"] + 1

    page.goto("/train/?dataset=yuki")
    page.get_by_label("Name of the run").fill("yuki v3")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="yuki v3")).to_be_visible()
    expect(page.locator("#top")).to_contain_text("in line")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#top .badge").first).to_have_text("Canceled")
