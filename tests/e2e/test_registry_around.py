"""The pages around a model in a real browser: readable by all, nothing sideways on a phone."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from hub.accounts.models import User
from models_registry.models.version import ModelVersion
from models_registry.services import collections, comments, drafts
from models_registry.services.edits import update_model
from models_registry.services.importing import begin_import
from models_registry.services.tombstones import delete_files
from tests.e2e.accessibility import violations
from tests.e2e.conftest import LiveHub
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model, seed_base_models
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.timeout(600)

LOOKS = ((1440, "dark", "en"), (390, "light", "zh-hans"))


@pytest.fixture
def version(live_hub: LiveHub) -> ModelVersion:
    """A model with something on every page around it; made by linmo."""
    seed_base_models()
    owner = UserFactory(username="linmo")
    shown = publish_model(owner=owner, name="Ink Wash", tags=["ink"], description="On paper.")
    drafts.add_cover(actor=owner, version=shown, blob=picture_blob())
    update_model(actor=owner, model=shown.model, description="On silk.", licence_name="MIT")
    first = comments.add_comment(actor=UserFactory(), model=shown.model, text="Which **VAE**?")
    comments.add_comment(actor=owner, model=shown.model, text="Any.", parent_id=first.pk)
    made = collections.create_collection(actor=owner, name="For covers", visibility="public")
    collections.collect_model(actor=owner, collection=made, model=shown.model)
    begin_import(actor=owner, url="https://model.example/ink.safetensors")
    gone = publish_model(owner=owner, name="Old Ink", seed=2)
    delete_files(actor=owner, version=gone, reason="A better one is out.")
    child = publish_model(name="Ink Child", seed=3)
    ModelVersion.objects.filter(pk=child.pk).update(base_version=shown)
    return shown


def addresses(version: ModelVersion) -> list[str]:
    made = version.model.owner.collections.get()
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
        reverse("mentions"),
        reverse("following"),
        reverse("model_imports"),
        f"{reverse('models')}?tag=ink&licence=MIT",
    ]


@pytest.mark.parametrize(("width", "theme", "language"), LOOKS)
def test_every_page_is_readable_by_all_and_fits_its_window(
    version: ModelVersion,
    page: Page,
    sign_in: Callable[[User], None],
    prefer: Callable[[str, str], None],
    width: int,
    theme: str,
    language: str,
) -> None:
    sign_in(version.model.owner)
    prefer(theme, language)
    page.set_viewport_size({"width": width, "height": 844})
    found = {}
    for address in addresses(version):
        page.goto(address)
        faults = violations(page)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append("wider than its window")
        if faults:
            found[address] = faults

    assert found == {}


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
    page.get_by_label("Your answer").first.fill("The usual one.")
    page.locator(".thread form").get_by_role("button", name="Send").first.click()

    expect(page.locator(".answers")).to_contain_text("The usual one.")
