"""The edit page of a model: every part of the card and of a version, its lists and pictures."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from hub.accounts.models import Role, User
from hub.accounts.services import add_member
from hub.core.errors import NotAllowed
from hub.storage.models import UploadPurpose
from models_registry.card_history import card_history
from models_registry.models.cover import VersionCover
from models_registry.models.model import Model, Status
from models_registry.models.version import ModelVersion
from models_registry.services import drafts
from models_registry.services.edits import update_model
from models_registry.services.values import Usage, WordSet
from tests.factories.accounts import UserFactory, make_team
from tests.factories.gallery import make_upload, png_bytes
from tests.factories.registry import (
    lora_bytes,
    make_model,
    make_version,
    publish_model,
)
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return publish_model(tags=["ink"])


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def address_of(version: ModelVersion) -> str:
    return reverse("version_edit", args=[version.pk])


def sent_as_shown(version: ModelVersion) -> dict[str, object]:
    """What a browser would send back from the page when nothing was touched."""
    forms = client_of(version.model.owner).get(address_of(version)).context["forms"]
    data: dict[str, object] = {}
    for form in (forms.card, forms.version, *forms.words, *forms.resources, *forms.examples):
        for field in form:
            value = field.value()
            if value not in (None, False, ""):
                data[field.html_name] = value
    for rows in (forms.words, forms.resources, forms.examples):
        data |= {field.html_name: field.value() for field in rows.management_form}
    return data


def save(version: ModelVersion, **changes: object) -> ModelVersion:
    data = sent_as_shown(version) | {name.replace("__", "-"): v for name, v in changes.items()}
    answer = client_of(version.model.owner).post(address_of(version), data)
    assert answer.status_code == 302, answer.context["forms"].version.errors
    return ModelVersion.objects.get(pk=version.pk)


def test_a_page_sent_back_untouched_changes_nothing(version):
    owner = version.model.owner
    words = ["inkwash", "a whole prompt, with commas", WordSet(("snow, pine",), "Winter")]
    drafts.set_trigger_words(actor=owner, version=version, words=words)
    before = card_history(viewer=owner, model=version.model).items
    saved = save(version)

    assert saved.trained_words == ["inkwash", "a whole prompt, with commas", "snow, pine"]
    assert [row.name for row in saved.trigger_word_sets.order_by("position")] == ["", "Winter"]
    assert len(card_history(viewer=owner, model=version.model).items) == len(before)


def test_every_setting_of_a_version_is_saved_shown_and_kept_in_the_history(version):
    saved = save(
        version,
        version_name="Winter",
        about="For snow",
        changelog="More snow",
        cfg_min="4",
        cfg_scale="6.5",
        cfg_max="9",
        cfg_note="Above 9 the lines burn",
        sampler="Euler a",
        steps="28",
        clip_skip="2",
        width="512",
        height="768",
        prompt_advice="Medium first",
        negative_advice="Never photo",
        tips="Paper texture helps",
        base_model_type="Inpainting",
        network_dim="16",
        network_alpha="8",
        epochs="12",
        training_steps="1800",
        requires_sign_in="on",
        early_access_until="2999-01-01T00:00",
    )
    assert Usage.of(saved).cfg_max == Decimal(9)
    page = client_of().get(reverse("model", args=[version.model.slug])).content.decode()
    for text in (
        *("For snow", "More snow", "6.5 (4–9)", "Above 9 the lines burn", "Euler a", "512 × 768"),
        *("Medium first", "Never photo", "Paper texture helps"),
        *("Inpainting", "Epochs</dt><dd>12", "1800", "Only people who are signed in"),
        "Open to everyone from",
    ):
        assert text in page, text
    [change, *_older] = card_history(viewer=version.model.owner, model=version.model).items
    assert {"cfg_note", "prompt_advice", "name"} <= {field.field for field in change.changes}


def test_terms_rating_and_kind_of_the_card_are_saved(version):
    drafts.add_cover(actor=version.model.owner, version=version, blob=picture_blob())
    data = sent_as_shown(version)
    for name in ("allow_no_credit", "allow_derivatives", "allow_commercial_use"):
        data.pop(name)
    data |= {"nsfw_level": "4", "subject": "background", "licence": "CC-BY-4.0"}
    client_of(version.model.owner).post(address_of(version), data)
    model = Model.objects.get()

    assert (model.allow_no_credit, model.allow_derivatives) == (False, False)
    assert model.allow_different_license
    assert model.allow_commercial_use == []
    assert (model.subject, model.licence) == ("background", "CC-BY-4.0")
    assert model.nsfw_level == ModelVersion.objects.get().nsfw_level == 4
    assert VersionCover.objects.get().nsfw_level == 4


def test_a_range_out_of_order_is_refused_and_nothing_is_lost(version):
    data = sent_as_shown(version) | {"cfg_min": "9", "cfg_max": "4", "about": "Typed already"}
    answer = client_of(version.model.owner).post(address_of(version), data)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "CFG must be in order" in page
    assert "Typed already" in page
    assert ModelVersion.objects.get().cfg_min is None


def test_what_is_recommended_is_linked_by_name_by_address_or_kept_as_a_name(version):
    base = publish_model(name="Paper Base", type="Checkpoint", seed=7)
    private = publish_model(name="Secret", seed=8, visibility="private")
    rows = {
        "resources__TOTAL_FORMS": "4",
        "resources__0__model": "paper base",
        "resources__0__kind": "checkpoint",
        "resources__1__model": f"http://hub.example/models/{base.model.slug}/?v=1",
        "resources__1__kind": "vae",
        "resources__2__model": "bad-hands-5",
        "resources__2__kind": "negative_embedding",
        "resources__2__weight": "0.8",
        "resources__3__model": f"/models/{private.model.slug}/",
        "resources__3__kind": "lora",
    }
    saved = save(version, **rows)
    found = list(saved.recommended_resources.order_by("position"))
    page = client_of().get(reverse("model", args=[version.model.slug])).content.decode()

    assert [row.resource_version for row in found] == [base, base, None, None]
    assert f'href="/models/{base.model.slug}/?v=1">Paper Base' in page
    assert "bad-hands-5" in page
    assert "× 0.8" in page
    again = save(saved, resources__0__model="")
    assert again.recommended_resources.count() == 3


def test_an_example_prompt_has_its_settings_and_its_picture(version):
    cover = drafts.add_cover(actor=version.model.owner, version=version, blob=picture_blob())
    saved = save(
        version,
        examples__0__prompt="inkwash, pine in snow",
        examples__0__negative="photo",
        examples__0__cover=str(cover.pk),
        examples__0__sampler="Euler a",
        examples__0__steps="20",
        examples__0__seed="42",
        examples__0__width="512",
        examples__0__height="768",
        examples__0__note="Works at night too",
    )
    example = saved.example_prompts.get()
    page = client_of().get(reverse("model", args=[version.model.slug])).content.decode()

    assert example.cover == cover
    assert "Steps: 20, Sampler: Euler a, Seed: 42, Size: 512x768" in page
    assert "Works at night too" in page
    assert save(saved, examples__0__prompt="", examples__0__note="").example_prompts.count() == 0


def test_settings_without_their_prompt_are_pointed_at(version):
    data = sent_as_shown(version) | {"examples-0-steps": "20"}
    answer = client_of(version.model.owner).post(address_of(version), data)

    assert answer.status_code == 422
    assert "Fill this in, or empty the whole row." in answer.content.decode()


def test_one_more_row_is_given_without_saving(version):
    data = sent_as_shown(version) | {"version_name": "Not yet", "more": "words"}
    answer = client_of(version.model.owner).post(address_of(version), data)

    assert answer.status_code == 200
    assert len(answer.context["forms"].words) == 3
    assert "Not yet" in answer.content.decode()
    assert ModelVersion.objects.get().name != "Not yet"


def test_sets_of_one_name_become_one(version):
    drafts.set_trigger_words(
        actor=version.model.owner,
        version=version,
        words=[WordSet(("a",), "Snow"), "b", WordSet(("c", "a"), "Snow"), "d"],
    )
    sets = {row.name: row for row in version.trigger_word_sets.all()}

    assert {name: [w.text for w in row.words.all()] for name, row in sets.items()} == {
        "": ["b", "d"],
        "Snow": ["a", "c"],
    }


def test_the_terms_of_use_stand_on_the_page_switch_by_switch(version):
    save(version, allow_derivatives="", allow_commercial_use=["Image"], licence="MIT")
    page = client_of().get(reverse("model", args=[version.model.slug])).content.decode()
    terms = page.split('<ul class="terms">')[1].split("</ul>")[0]
    told = [line.split("</li>")[0] for line in terms.split("<li>")[1:]]
    allowed = {line.split("<span>")[1].split("</span>")[0] for line in told if "Allowed:" in line}

    assert allowed == {
        *("Use without naming the author", "Give merges other terms", "Sell generated pictures")
    }
    assert sum("Not allowed:" in line for line in told) == 4


def test_the_owner_gives_a_model_to_a_team_in_which_they_work():
    version = publish_model(visibility="private")
    owner = version.model.owner
    mine, other = make_team(owner=owner, name="Mine"), make_team(name="Other")
    save(version, team=str(mine.pk), visibility="team")
    model = Model.objects.get()
    assert (model.team, model.visibility) == (mine, "team")
    manager = UserFactory()
    add_member(actor=owner, team=mine, user=manager, role=Role.MANAGER)
    for actor, team in ((manager, other), (owner, other)):
        with pytest.raises(NotAllowed):
            update_model(actor=actor, model=model, team=team)
    client = Client()
    client.force_login(manager)
    assert "team" not in client.get(address_of(version)).context["forms"].card.fields


def test_a_member_fills_the_common_draft_but_not_the_card():
    team = make_team()
    member = UserFactory()
    add_member(actor=team.created_by, team=team, user=member, role=Role.MEMBER)
    draft = make_version(make_model(owner=team.created_by, team=team))
    client = client_of(member)
    page = client.get(address_of(draft))
    assert page.context["forms"].card is None
    data = {
        name: value
        for name, value in sent_as_shown(draft).items()
        if name not in page.context["forms"].version.fields
    } | {"version_name": "By a member", "base_model": "SD 1.5", "name": "Stolen"}
    assert client.post(address_of(draft), data).status_code == 302

    draft.refresh_from_db()
    assert (draft.name, Model.objects.get().name) == ("By a member", "Ink Wash")


@pytest.mark.parametrize("page", ["version_edit", "version_picture_add"])
def test_strangers_change_nothing(version, page):
    address = reverse(page, args=[version.pk])

    assert client_of().post(address).status_code == 302
    assert client_of(UserFactory()).post(address).status_code == 403


def test_pictures_are_added_put_first_and_taken_off(version):
    owner = version.model.owner
    client = client_of(owner)
    ids = []
    for shade in (1, 2, 3):
        upload = make_upload(owner=owner, data=png_bytes(colour=(shade, 0, 0)))
        added = client.post(
            reverse("version_picture_add", args=[version.pk]), {"upload": str(upload.pk)}
        )
        assert added.status_code == 201, added.content
        ids.append(added.json()["id"])
    one, two, three = ids
    in_order = version.covers.order_by("position").values_list("pk", flat=True)
    client.post(reverse("version_picture", args=[version.pk, three, "first"]))
    assert list(in_order.all()) == [three, one, two]
    client.post(reverse("version_picture", args=[version.pk, three, "remove"]))
    assert list(in_order.all()) == [one, two]
    other = client_of(UserFactory())
    for action, status in (("remove", 403), ("burn", 404)):
        address = reverse("version_picture", args=[version.pk, one, action])
        assert (other if status == 403 else client).post(address).status_code == status


def test_a_new_version_begins_with_what_the_last_one_said(version):
    owner = version.model.owner
    client = client_of(owner)
    address = reverse("version_new", args=[version.model.slug])
    form = client.get(address).context["form"]
    assert form.initial["name"] == "v2"
    assert form.initial["base_model"] == "SD 1.5"
    upload = make_upload(
        owner=owner,
        data=lora_bytes(seed=9),
        filename="b.safetensors",
        purpose=UploadPurpose.MODEL_FILE,
    )
    answer = client.post(
        address,
        {
            "name": "v2",
            "base_model": "SD 1.5",
            "trigger_words": "inkwash, brush",
            "changelog": "Cleaner lines",
            "upload": str(upload.pk),
        },
    )
    made = ModelVersion.objects.get(index=2)

    assert answer.url.endswith("?v=2")
    assert (made.status, made.changelog) == (Status.DRAFT, "Cleaner lines")
    assert made.trained_words == ["inkwash", "brush"]
    assert made.files.count() == 1
    assert client_of(UserFactory()).get(address).status_code == 403


def test_of_two_who_edit_at_once_the_second_is_told_and_nothing_is_lost(version):
    owner = version.model.owner
    opened = client_of(owner).get(address_of(version)).context["page"].seen
    save(version, name="Ink by another tab", tags="ink, brush")
    mine = sent_as_shown(version) | {"seen": opened, "name": "Ink of mine"}

    answer = client_of(owner).post(address_of(version), mine)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert Model.objects.get().name == "Ink by another tab"
    assert f"{owner.public_name} changed these fields after you had opened this page" in page
    assert '<span class="badge">Name</span><span class="badge">Tags</span></p>' in page
    assert 'value="Ink of mine"' in page

    again = mine | {"seen": answer.context["page"].seen}
    assert client_of(owner).post(address_of(version), again).status_code == 302
    assert Model.objects.get().name == "Ink of mine"
    changes = card_history(viewer=owner, model=version.model).items
    authors = [change.revision.author for change in changes]
    assert authors[:2] == [owner, owner]


def test_a_form_that_is_sent_twice_and_then_saved_in_spite_of_it_loses_no_row(version):
    sent = sent_as_shown(version)
    sent |= {"resources-0-model": "easy", "resources-0-kind": "vae", "examples-0-prompt": "a fox"}
    sent |= {"words-1-name": "Night", "words-1-words": "moon"}
    browser = client_of(version.model.owner)
    sent["seen"] = browser.get(address_of(version)).context["page"].seen
    assert browser.post(address_of(version), sent).status_code == 302
    told = browser.post(address_of(version), sent)
    assert told.status_code == 422
    again = sent | {"seen": told.context["page"].seen}
    assert browser.post(address_of(version), again).status_code == 302
    assert version.trigger_word_sets.count() == 2
    assert version.recommended_resources.count() == version.example_prompts.count() == 1


def test_newlines_of_a_browser_are_no_change(version):
    text = "A first line\nand a second."
    update_model(actor=version.model.owner, model=version.model, description=text)

    assert save(version, description=text.replace("\n", "\r\n")).model.description == text


def test_a_refused_page_names_each_field_and_leads_to_it(version):
    data = sent_as_shown(version) | {"name": "", "steps": "-1", "words-0-name": "x" * 61}

    page = client_of(version.model.owner).post(address_of(version), data).content.decode()

    for anchor in ("id_name", "id_steps", "id_words-0-name"):
        assert f'href="#{anchor}" data-go' in page
        assert f'aria-describedby="{anchor}_error"' in page
    assert page.index("autofocus") < page.index('id="id_name_error"')
