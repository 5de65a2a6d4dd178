"""Journey A in a real browser: a model file goes in, is checked, and others find and fetch it."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.accounts.models import User
from tests.e2e.conftest import Guard, LiveHub
from tests.factories.accounts import UserFactory
from tests.factories.registry import lora_bytes, publish_model

pytestmark = pytest.mark.timeout(300)

PATIENCE_MS = 60_000  # a worker has to come up first


@pytest.fixture
def others(live_hub: LiveHub) -> None:
    """Models that the list must tell apart from the new one."""
    publish_model(name="Charcoal", seed=1, trigger_words=["charcoal"])
    publish_model(name="Paper cut", seed=2, base_model="SDXL 1.0", trigger_words=["papercut"])


def test_an_uploaded_lora_is_checked_published_found_and_fetched(
    page: Page,
    sign_in: Callable[[User], None],
    tmp_path: Path,
    others: None,
    cpu_worker: object,
    browser: Browser,
    live_hub: LiveHub,
    guard: Guard,
) -> None:
    guard.expect("status of 400")  # of a file that was cut
    data = lora_bytes(seed=77)
    path = tmp_path / "ink_wash_v2.safetensors"
    path.write_bytes(data)
    sign_in(UserFactory(username="linmo"))
    upload(page, path)
    publish_when_verified(page)
    visitor = browser.new_context(base_url=live_hub.url).new_page()
    find_in_the_list(visitor)
    find_in_the_api(visitor, data)
    visitor.context.close()


def upload(page: Page, path: Path) -> None:
    page.goto("/models/upload/")
    cut = path.with_name("cut") / path.name
    cut.parent.mkdir()
    cut.write_bytes(path.read_bytes()[:-1])
    page.locator("#drop input").set_input_files(cut)
    expect(page.locator(".file")).to_contain_text("Transfer the file again")
    page.locator(".file .btn.icon").click()
    page.locator("#drop input").set_input_files(path)
    expect(page.get_by_label("Name")).to_have_value("ink wash v2")
    page.get_by_label("Type").select_option(label="LoRA")
    page.get_by_label("Base model").select_option("SD 1.5")
    page.get_by_label("Subject").select_option(label="Style")
    page.get_by_label("Trigger words").fill("inkwash, 水墨")
    page.get_by_label("Recommended weight").fill("0.7")
    page.get_by_label("Tags", exact=False).first.fill("ink, landscape")
    page.get_by_label("About").fill("# Ink\n\n<script>alert(1)</script> On *rice* paper.")
    page.get_by_role("button", name="Create draft").click()
    expect(page.get_by_role("heading", name="ink wash v2", level=1)).to_be_visible()
    expect(page.locator(".page-head")).to_contain_text("Draft")


def publish_when_verified(page: Page) -> None:
    """The page says by itself when the file has been checked."""
    expect(page.locator(".file")).to_contain_text("Verified", timeout=PATIENCE_MS)
    expect(page.locator(".file")).to_contain_text("SafeTensor")
    page.get_by_role("button", name="Publish this version").click()
    expect(page.locator("#toasts")).to_contain_text("ink wash v2 is published.")
    expect(page.locator(".page-head")).not_to_contain_text("Draft")
    expect(page.locator(".prose em")).to_have_text("rice")
    expect(page.locator(".prose script")).to_have_count(0)


def find_in_the_list(page: Page) -> None:
    """By filters, whose state is in the address, and by words."""
    cards = page.locator("#model-cards .card")
    page.goto("/models/")
    expect(cards).to_have_count(3)
    foot = page.locator("#filter-rail > button")
    expect(foot).to_have_text("Show 3 models")
    page.locator("#filter-rail").get_by_label("SD 1.5").check()
    expect(cards).to_have_count(2)
    expect(foot).to_have_text("Show 2 models")
    page.locator("#filter-rail").get_by_label("Style").check()
    expect(cards).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?base=SD%201\.5&subject=style"))
    page.reload()
    expect(cards).to_have_count(1)
    page.get_by_role("link", name="Remove filter: Style").click()
    expect(cards).to_have_count(2)
    page.goto("/search/?q=水墨")
    expect(page.locator("main").get_by_role("link", name="ink wash v2")).to_be_visible()
    page.goto("/models/?q=rice+paper")
    cards.get_by_role("link", name="ink wash v2").click()
    expect(page.get_by_role("heading", name="ink wash v2", level=1)).to_be_visible()


def find_in_the_api(page: Page, data: bytes) -> None:
    """As a Civitai client does: list, model, hash, file."""
    sha256 = hashlib.sha256(data).hexdigest().upper()
    call = page.context.request
    listed = call.get("/api/v1/models?query=ink+wash&types=LORA").json()
    assert [item["name"] for item in listed["items"]] == ["ink wash v2"]
    model = call.get(f"/api/v1/models/{listed['items'][0]['id']}").json()
    version = model["modelVersions"][0]
    assert (version["baseModel"], version["trainedWords"]) == ("SD 1.5", ["inkwash", "水墨"])
    for value in (sha256, sha256[:10], version["files"][0]["hashes"]["AutoV3"]):
        found = call.get(f"/api/v1/model-versions/by-hash/{value}").json()
        assert found["id"] == version["id"]
    got = call.get(f"/api/download/models/{version['id']}")
    assert got.body() == data
    assert version["files"][0]["name"] in got.headers["content-disposition"]
