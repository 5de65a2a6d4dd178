"""Journey C in a real browser: post pictures, find them, look at them, copy what made them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gallery.models import Image
from gallery.services.process import process_image
from hub.accounts.models import User
from hub.formats.generation.a1111 import parse_infotext
from models_registry.models.base_model import BaseModel
from tests.e2e.accessibility import DESK, PHONE, faults_in_every_look
from tests.e2e.conftest import Guard, LiveHub
from tests.factories.accounts import UserFactory
from tests.factories.gallery import INFOTEXT, make_image, png_bytes
from tests.factories.registry import publish_model

SIZES = [(64, 96), (96, 64), (80, 80), (64, 112)]


def fill_gallery(count: int, owner: User | None = None) -> list[Image]:
    owner = owner or UserFactory(username="linmo")
    return [
        make_image(
            owner=owner,
            data=png_bytes(
                size=SIZES[n % 4],
                colour=(5 * n % 256, 90, 160),
                texts={"parameters": INFOTEXT.replace("1234567890", str(n))},
            ),
        )
        for n in range(count)
    ]


def boxes(page: Page) -> list[dict[str, float]]:
    return page.evaluate(
        """[...document.querySelectorAll("#images > li:not(.more)")].map((item) => {
          const { left, top, width, height } = item.getBoundingClientRect();
          return { left, top: Math.round(top + scrollY), width, height: Math.round(height) };
        })"""
    )


def test_the_list_grows_without_moving_or_covering_what_is_there(page: Page) -> None:
    fill_gallery(30)
    page.goto("/images/")
    expect(page.locator("#images.placed > li:not(.more)")).to_have_count(24)
    before = boxes(page)
    page.locator("#images > .more").scroll_into_view_if_needed()
    expect(page.locator("#images > li:not(.more)")).to_have_count(30)
    expect(page.locator("#images > .more")).to_have_count(0)
    after = boxes(page)
    assert after[:24] == before
    for index, one in enumerate(after):
        for other in after[index + 1 :]:
            apart = (
                one["left"] + one["width"] <= other["left"] + 1
                or other["left"] + other["width"] <= one["left"] + 1
                or one["top"] + one["height"] <= other["top"] + 1
                or other["top"] + other["height"] <= one["top"] + 1
            )
            assert apart, (one, other)


def test_the_viewer_opens_over_the_list_and_one_back_leads_to_the_same_place(
    page: Page, live_hub: LiveHub
) -> None:
    images = fill_gallery(30)
    page.goto("/images/")
    page.locator("#images > .more").scroll_into_view_if_needed()
    expect(page.locator("#images > li:not(.more)")).to_have_count(30)
    card = page.locator(f'#images a[href="/images/{images[3].pk}/"]')
    card.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    card.click()
    viewer = page.locator("#viewer-dialog[open] #viewer")
    expect(viewer).to_have_attribute("data-url", f"/images/{images[3].pk}/")
    expect(page).to_have_url(f"{live_hub.url}/images/{images[3].pk}/")

    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(f"{live_hub.url}/images/{images[2].pk}/")
    expect(viewer).to_have_attribute("data-url", f"/images/{images[2].pk}/")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(f"{live_hub.url}/images/{images[3].pk}/")
    expect(viewer).to_have_attribute("data-url", f"/images/{images[3].pk}/")
    page.keyboard.press("i")
    expect(page.locator("#viewer-panel")).to_be_hidden()
    page.keyboard.press("i")
    expect(page.locator("#viewer-panel")).to_be_visible()

    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{live_hub.url}/images/")
    expect(page.locator("#viewer-dialog[open]")).to_have_count(0)
    expect(page.locator("#images > li:not(.more)")).to_have_count(30)
    assert page.evaluate("scrollY") == place
    expect(card).to_be_focused()

    page.go_forward()
    expect(viewer).to_have_attribute("data-url", f"/images/{images[3].pk}/")
    page.go_back()
    expect(page.locator("#viewer-dialog[open]")).to_have_count(0)
    expect(page.locator("#images > li:not(.more)")).to_have_count(30)


def test_a_picture_is_a_page_of_its_own_with_the_same_keys(page: Page, live_hub: LiveHub) -> None:
    older, newer = fill_gallery(2)
    page.goto(f"/images/{older.pk}/?prompt=1")
    expect(page).to_have_title(re.compile(r"^yuki_ns, 1girl.*… · Atelier$"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(f"{live_hub.url}/images/{newer.pk}/?prompt=1")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_contain_text("Show or hide the details")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{live_hub.url}/images/?prompt=1")


def test_copied_generation_data_is_the_data_of_the_picture(
    page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    (image,) = fill_gallery(1)
    page.goto(f"/images/{image.pk}/")
    page.get_by_role("button", name="Copy generation data").click()
    expect(page.locator("#live")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert parse_infotext(copied) == parse_infotext(INFOTEXT.replace("1234567890", "0"))
    page.get_by_role("button", name="Copy Seed").click()
    expect(page.locator("#live")).to_have_text("Copied: 0")


def test_filters_change_the_list_and_its_address_and_back_undoes_them(
    page: Page, live_hub: LiveHub
) -> None:
    fill_gallery(2)
    make_image(owner=UserFactory(username="aoi"), data=png_bytes())
    page.goto("/images/")
    expect(page.locator("#images > li")).to_have_count(3)
    page.get_by_text("With prompt").first.click()
    expect(page.locator("#images > li")).to_have_count(2)
    expect(page).to_have_url(f"{live_hub.url}/images/?prompt=1")
    page.locator("#rail-author").fill("aoi")
    page.locator("#rail-author").press("Enter")
    expect(page.get_by_role("heading", name="No image matches")).to_be_visible()
    expect(page).to_have_url(f"{live_hub.url}/images/?author=aoi&prompt=1")
    page.go_back()
    expect(page.locator("#images > li")).to_have_count(2)
    expect(page.locator("#rail-author")).to_have_value("")
    expect(page.get_by_label("With prompt").first).to_be_checked()
    page.locator("#images > li a").first.click()  # of a page that Back has put there
    expect(page.locator("#viewer-dialog .viewer[data-title]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{live_hub.url}/images/?prompt=1")
    page.locator(".filter-line .chip").click()
    expect(page.locator("#images > li")).to_have_count(3)


def test_a_filter_that_fails_keeps_the_old_list_and_offers_another_try(
    page: Page, guard: Guard
) -> None:
    fill_gallery(1)
    make_image(data=png_bytes())
    page.goto("/images/")
    page.locator("#rail-author").fill("nobody")
    page.locator("#rail-author").press("Enter")
    expect(page.get_by_role("heading", name="No image matches")).to_be_visible()
    page.go_back()  # which puts another form into the page
    expect(page.locator("#images > li")).to_have_count(2)
    guard.expect("Failed to load resource")
    guard.expect("Response Status Error Code 503")
    page.route("**/images/?*prompt=1*", lambda route: route.fulfill(status=503, body="busy"))
    page.get_by_text("With prompt").first.click()
    expect(page.locator("#list-error")).to_be_visible()
    expect(page.locator("#images > li")).to_have_count(2)
    page.unroute("**/images/?*prompt=1*")
    page.locator("#list-error").get_by_role("button", name="Try again").click()
    expect(page.locator("#images > li")).to_have_count(1)
    expect(page.locator("#list-error")).to_be_hidden()


def read_all() -> None:
    for pk in Image.objects.filter(status="pending").values_list("pk", flat=True):
        process_image(image_id=pk, now=timezone.now())


def test_posting_sends_each_file_by_itself_and_leaves_bad_ones_out(
    page: Page, sign_in: Callable[[User], None], tmp_path: Path
) -> None:
    # A browser test starts on an empty database: the rows of data migrations are not there.
    BaseModel.objects.get_or_create(name="SD 1.5", family="sd1", ecosystem="sd1")
    version = publish_model(name="Ink Wash")
    sign_in(UserFactory())
    text = INFOTEXT.replace("inkwash", "ink-wash")
    files = {"good.png": png_bytes(size=(96, 64), texts={"parameters": text})}
    files |= {"plain.png": png_bytes(), "words.png": b"not a picture at all"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    page.goto("/images/upload/")
    expect(page.locator("#post-send")).to_be_disabled()
    page.set_input_files("#files", [tmp_path / name for name in files])
    rows = page.locator("#files-list > li")
    expect(rows.filter(has_text="good.png")).to_contain_text("Generation data found")
    expect(rows.filter(has_text="plain.png")).to_contain_text("No generation data")
    expect(rows.filter(has_text="words.png")).to_contain_text("is not a picture")
    expect(page.locator("#post-state")).to_have_text("2 pictures are ready to be posted.")
    rows.filter(has_text="plain.png").get_by_role("button").click()
    expect(page.locator("#post-state")).to_have_text("One picture is ready to be posted.")
    page.get_by_label("Title").fill("By the lake")
    page.locator("#post-send").click()
    expect(page.locator("#images > li")).to_have_count(1)
    read_all()
    page.locator("#images a").first.click()
    expect(page.locator("#viewer-panel")).to_contain_text("By the lake")
    expect(page.get_by_role("link", name=version.model.name)).to_be_visible()


def test_two_people_one_shares_and_the_other_sees_it(
    page: Page, sign_in: Callable[[User], None], browser: Browser, live_hub: LiveHub, guard: Guard
) -> None:
    owner = UserFactory()
    image = make_image(owner=owner, visibility="private")
    sign_in(owner)
    other = browser.new_context(base_url=live_hub.url)
    theirs = other.new_page()
    assert theirs.goto(f"/images/{image.pk}/").status == 404
    theirs.goto("/images/")
    expect(theirs.get_by_role("heading", name="No images yet")).to_be_visible()

    page.goto(f"/images/{image.pk}/")
    page.get_by_label("Who may see this post").select_option("public")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Saved.")

    theirs.reload()
    expect(theirs.locator("#images > li")).to_have_count(1)
    theirs.locator("#images a").click()
    expect(theirs.locator("#viewer-panel")).to_contain_text("Copy generation data")
    other.close()


def test_reacting_and_commenting_in_the_viewer(page: Page, sign_in: Callable[[User], None]) -> None:
    fill_gallery(1)
    sign_in(UserFactory(username="aoi"))
    page.goto("/images/")
    page.locator("#images a").first.click()
    page.get_by_role("button", name="Like: 0").click()
    expect(page.get_by_role("button", name="Like: 1")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Your comment").fill("Good light, i like it")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#comments li")).to_contain_text("Good light, i like it")
    expect(page.locator("#viewer-panel")).to_be_visible()


def test_on_a_phone_the_details_are_a_sheet_from_below(page: Page) -> None:
    fill_gallery(3)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/images/")
    page.locator("#images a").first.click()
    panel = page.locator("#viewer-dialog #viewer-panel")
    expect(panel).to_be_visible()
    low = panel.bounding_box()["y"]
    page.locator("#viewer-dialog .grip").click()
    expect(panel.get_by_role("button", name="Copy generation data")).to_be_in_viewport()
    assert panel.bounding_box()["y"] < low
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filters").click()
    expect(page.locator("#filter-sheet")).to_be_visible()
    page.locator("#filter-sheet").get_by_text("With prompt").click()
    page.get_by_role("button", name="Show images").click()
    page.wait_for_url("**prompt=1**")


@pytest.mark.parametrize(("width", "language"), [(DESK, "en"), (PHONE, "zh-hans")])
def test_axe_finds_nothing_in_both_themes_and_languages(
    page: Page,
    prefer: Callable[[str, str], None],
    sign_in: Callable[[User], None],
    width: int,
    language: str,
) -> None:
    owner = UserFactory(username="linmo")
    images = fill_gallery(3, owner)
    sign_in(owner)
    prefer("dark", language)
    page.set_viewport_size({"width": width, "height": 844})
    for address in ("/images/", "/images/upload/", f"/images/{images[1].pk}/"):
        page.goto(address)
        assert faults_in_every_look(page) == [], address
    page.goto("/images/")
    page.locator("#images a").first.click()
    expect(page.locator("#viewer-dialog #viewer-panel")).to_be_visible()
    assert faults_in_every_look(page) == [], "viewer over the list"


def test_no_page_scrolls_sideways_at_any_width(page: Page, sign_in: Callable[[User], None]) -> None:
    owner = UserFactory()
    (image,) = fill_gallery(1, owner)
    sign_in(owner)
    for address in ("/images/", "/images/upload/", f"/images/{image.pk}/"):
        page.goto(address)
        for width in (320, 390, 820, 1060, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            found = page.evaluate("document.documentElement.scrollWidth")
            assert found <= width, (address, width)
