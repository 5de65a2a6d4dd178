"""The pages around a model in a real browser: readable by all, nothing sideways on a phone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from hub.accounts.models import User
from hub.comments.services import add_comment
from models_registry.models.version import ModelVersion
from models_registry.services import collections, drafts
from models_registry.services.edits import update_model
from models_registry.services.importing import begin_import
from models_registry.services.tombstones import delete_files
from tests.e2e.accessibility import LANGUAGES, faults_in_every_look, violations
from tests.e2e.conftest import LiveHub
from tests.factories.accounts import UserFactory
from tests.factories.comparisons import make_comparison, publish_tiny_base, publish_tiny_lora
from tests.factories.gallery import png_bytes
from tests.factories.registry import publish_model
from tests.models_registry.test_drafts import picture_blob
from training.jobs.models.comparison import Comparison

pytestmark = pytest.mark.timeout(600)

SWAP_ELSEWHERE = """new Promise((done) => {
  addEventListener("htmx:afterSettle", done, { once: true });
  htmx.ajax("GET", location.href, { target: "#state", select: "#state", swap: "outerHTML" });
}).then(() => null)"""


@pytest.fixture
def version(live_hub: LiveHub, tmp_path: Path) -> ModelVersion:
    """A model with something on every page around it; made by linmo."""
    owner = UserFactory(username="linmo")
    shown = publish_model(owner=owner, name="Ink Wash", tags=["ink"], description="On paper.")
    drafts.add_cover(actor=owner, version=shown, blob=picture_blob())
    update_model(actor=owner, model=shown.model, description="On silk.", licence_name="MIT")
    first = add_comment(actor=UserFactory(), subject=shown.model, text="Which **VAE**?")
    add_comment(actor=owner, subject=shown.model, text="Any.", parent_id=first.pk)
    made = collections.create_collection(actor=owner, name="For covers", visibility="public")
    collections.collect_model(actor=owner, collection=made, model=shown.model)
    begin_import(actor=owner, url="https://model.example/ink.safetensors")
    gone = publish_model(owner=owner, name="Old Ink", seed=2)
    delete_files(actor=owner, version=gone, reason="A better one is out.")
    child = publish_model(name="Ink Child", seed=3)
    ModelVersion.objects.filter(pk=child.pk).update(base_version=shown)
    make_comparison(publish_tiny_lora(owner, tmp_path), publish_tiny_base(owner))
    return shown


def addresses(version: ModelVersion) -> list[str]:
    made = version.model.owner.collections.get()
    compared = Comparison.objects.get()
    return [
        reverse("model", args=[version.model.slug]),
        reverse("model", args=["old-ink"]),
        reverse("model_history", args=[version.model.slug]),
        reverse("model_lineage", args=[version.pk]),
        reverse("model_file_tensors", args=[version.files.get().pk]),
        reverse("collections"),
        reverse("collection", args=[made.pk]),
        reverse("collection_edit", args=[made.pk]),
        reverse("version_edit", args=[version.pk]),
        reverse("version_new", args=[version.model.slug]),
        reverse("version_files_new", args=[version.pk]),
        reverse("model_file_edit", args=[version.files.get().pk]),
        reverse("comment_edit", args=[version.model.owner.comments.get().pk]),
        reverse("mentions"),
        reverse("comparison_new", args=[compared.version_id]),
        reverse("comparison", args=[compared.pk]),
        reverse("comparisons", args=[compared.version_id]),
        reverse("following"),
        reverse("model_imports"),
        f"{reverse('models')}?tag=ink&licence=MIT",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_readable_by_all_and_fits_its_window(
    version: ModelVersion,
    page: Page,
    sign_in: Callable[[User], None],
    prefer: Callable[[str, str], None],
    language: str,
) -> None:
    sign_in(version.model.owner)
    prefer("dark", language)
    found = {}
    for address in addresses(version):
        page.goto(address)
        found[address] = faults_in_every_look(page)

    assert {address: faults for address, faults in found.items() if faults} == {}


def test_a_model_is_collected_and_answered_without_leaving_its_page(
    version: ModelVersion, page: Page, sign_in: Callable[[User], None]
) -> None:
    sign_in(UserFactory())
    page.goto(reverse("model", args=[version.model.slug]))
    page.get_by_role("button", name="Collect").click()
    page.get_by_label("New collection").fill("Mine")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your collections are saved.")).to_be_visible()
    page.get_by_text("Answer", exact=True).first.click()
    page.wait_for_load_state()  # the field is there before the script that offers names
    answer = page.get_by_label("Your answer").first
    answer.fill("The usual one, @lin")
    expect(page.get_by_role("option", name="@linmo")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(answer).to_have_value("The usual one, @linmo ")
    page.locator(".thread form").get_by_role("button", name="Send").first.click()

    expect(page.locator(".answers")).to_contain_text("The usual one, @linmo")
    page.get_by_role("link", name="Change comment").press("Enter")
    expect(page.locator(".answers textarea")).to_be_focused()
    page.locator(".answers form").get_by_role("button", name="Save").press("Enter")
    expect(page.locator(".answers .said-line:focus")).to_contain_text("The usual one, @linmo")
    page.get_by_label("Your comment").fill("Not sent yet")
    page.locator("#save").press("Enter")
    expect(page.locator("#save:focus")).to_have_text("Saved")
    expect(page.get_by_label("Your comment")).to_have_value("Not sent yet")
    # An answer that swaps nothing leaves nothing behind: a later swap elsewhere takes no focus.
    page.route("**/engage/like/", lambda route: route.fulfill(status=204))
    with page.expect_response("**/engage/like/"):
        page.locator("#like").press("Enter")
    page.locator("#like").blur()
    page.evaluate(SWAP_ELSEWHERE)
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_an_owner_writes_advice_and_adds_a_picture_on_the_edit_page(
    version: ModelVersion, page: Page, sign_in: Callable[[User], None], tmp_path: Path
) -> None:
    sign_in(version.model.owner)
    page.goto(reverse("version_edit", args=[version.pk]))
    page.get_by_label("What CFG changes").fill("Above 9 the lines burn")
    page.locator("#trigger-words").get_by_role("button", name="One more").click()
    expect(page.locator("#trigger-words fieldset")).to_have_count(3)
    page.locator("#id_words-1-words").fill("snow\npine")
    page.locator("#id_words-1-name").fill("Winter")
    page.locator(".save-bar").get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Above 9 the lines burn")).to_be_visible()
    expect(page.get_by_text("Winter", exact=True)).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    picture = tmp_path / "new.png"
    picture.write_bytes(png_bytes())
    before = page.locator(".cover-list li").count()
    page.locator("#pictures input[type=file]").set_input_files(picture)

    expect(page.locator(".cover-list li")).to_have_count(before + 1, timeout=20_000)


def test_a_press_beside_a_comment_that_is_being_typed_leaves_it_alone(
    version: ModelVersion, page: Page, sign_in: Callable[[User], None]
) -> None:
    sign_in(UserFactory())
    page.goto(reverse("model", args=[version.model.slug]))
    page.get_by_label("Your comment").fill("Not sent yet")
    more, said = page.get_by_role("button", name="More"), page.locator("#toasts[aria-live=polite]")

    def choose(name: str) -> None:
        more.press("Enter")
        page.locator("#model-menu").get_by_role("button", name=name).press("Enter")

    for pressed, heard in (
        ("Follow this model", "You follow Ink Wash."),
        ("Follow linmo", "You follow linmo."),
        ("Hide from my lists", "Ink Wash is hidden from your lists. You find it under Hidden."),
    ):
        choose(pressed)
        expect(said).to_contain_text(heard)
        expect(more).to_be_focused()
    expect(page.locator("#hides")).to_contain_text("You hide this model")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(said).to_contain_text("Ink Wash is in your lists again.")
    expect(page.locator("#hides")).to_be_hidden()
    choose("Private note")
    page.get_by_label("Your note.").fill("Best at 0.5")
    page.get_by_role("dialog").get_by_role("button", name="Save").press("Enter")
    expect(said).to_contain_text("Your note is saved. Nobody else sees it.")
    expect(page.locator("#own-note")).to_contain_text("Best at 0.5")
    expect(more).to_be_focused()
    page.get_by_role("button", name="Collect").press("Enter")
    page.get_by_label("New collection").fill("Mine")
    page.get_by_role("dialog").get_by_role("button", name="Save").press("Enter")
    expect(said).to_contain_text("Your collections are saved.")
    expect(page.get_by_role("button", name="Collect")).to_be_focused()

    assert page.get_by_label("Your comment").input_value() == "Not sent yet"


def test_what_is_unfolded_or_begun_stays_when_its_part_comes_anew(
    version: ModelVersion, page: Page, sign_in: Callable[[User], None]
) -> None:
    sign_in(version.model.owner)
    page.goto(reverse("model", args=[version.model.slug]))
    hashes = page.locator("#use-rest details", has_text="All hashes")
    hashes.locator("summary").click()
    page.get_by_text("Answer", exact=True).first.click()
    answer, comment = page.get_by_label("Your answer").first, page.get_by_label("Your comment")
    answer.fill("Half an answer")
    comment.fill("A second question")
    page.locator("#comments > form").get_by_role("button", name="Send").press("Enter")
    expect(page.locator(".thread")).to_have_count(2)
    expect(comment).to_have_value("")
    expect(page.get_by_label("Your answer").filter(visible=True)).to_have_value("Half an answer")
    hashes.get_by_role("button").first.focus()
    with page.expect_response("**/rescan/"):
        page.evaluate("document.querySelector('form[action$=\"/rescan/\"]').requestSubmit()")
    expect(page.locator("#use-rest")).to_contain_text("its hashes are computed")

    assert hashes.evaluate("(fold) => fold.open")
    expect(hashes.get_by_role("button").first).to_be_focused()
