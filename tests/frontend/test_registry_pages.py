"""The pages around a model: who opens them, what they show, what their forms do."""

import re

import pytest
from django.urls import reverse

from hub.comments.services import add_comment
from models_registry.models.model import Model, Status
from models_registry.models.terms import ModelVisibility
from models_registry.models.version import ModelVersion
from models_registry.services import collections, drafts
from models_registry.services.edits import update_model
from models_registry.services.tombstones import delete_files
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import make_version, publish_model
from tests.factories.visitors import client_of, people_of, text_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def version() -> ModelVersion:
    team = make_team()
    return publish_model(owner=team.created_by, team=team, tags=["ink"])


def test_a_model_page_shows_where_the_file_goes_its_tensors_and_its_tags(version):
    page = text_of(client_of().get(reverse("model", args=[version.model.slug])))

    assert "models/loras" in page
    assert reverse("model_file_tensors", args=[version.files.get().pk]) in page
    assert ".civitai.info" in page
    assert "?tag=ink" in page
    assert "Delete the files" not in page


def test_an_unlisted_model_opens_by_address_and_stands_in_no_list(version):
    update_model(actor=version.model.owner, model=version.model, visibility="unlisted")
    for name, person in people_of(version).items():
        client = client_of(person)
        assert client.get(reverse("model", args=[version.model.slug])).status_code == 200, name
        for address in ("/models/", "/models/?q=ink", "/search/?q=ink", "/"):
            assert f"/models/{version.model.slug}/" not in text_of(client.get(address)), name
        mine = text_of(client.get("/models/?scope=mine"))
        assert (f"/models/{version.model.slug}/" in mine) == (name == "owner")


def test_only_the_people_who_edit_a_model_delete_its_files(version):
    address = reverse("version_delete_files", args=[version.pk])
    people = people_of(version)
    for name in ("anonymous", "stranger", "viewer"):
        answer = client_of(people[name]).post(address, {"reason": "Wrong upload"})
        assert answer.status_code == (401 if name == "anonymous" else 403), name
        assert ModelVersion.objects.get(pk=version.pk).status == Status.PUBLISHED
    client_of(people["member"]).post(address, {"reason": "Wrong upload"})

    page = text_of(client_of().get(reverse("model", args=[version.model.slug])))
    assert "The files of this version were deleted." in page
    assert "Wrong upload" in page
    assert "inkwash" in page
    assert "/api/download/" not in page


def test_a_reason_is_needed_before_files_are_deleted(version):
    client = client_of(version.model.owner)
    address = reverse("version_delete_files", args=[version.pk])
    answer = client.post(address, {"reason": "  "}, follow=True)

    assert "Say why the files are deleted" in text_of(answer)
    assert version.files.count() == 1


def test_the_owner_archives_a_model_and_takes_it_out_again(version):
    client = client_of(version.model.owner)
    address = reverse("model_archive", args=[version.model.slug])
    page = text_of(client.post(address, follow=True))
    assert "This model is archived" in page
    client.post(address)

    assert Model.objects.get().status == Status.PUBLISHED
    assert client_of(UserFactory()).post(address).status_code == 403


def test_the_history_shows_each_change_to_the_people_of_the_model_only(version):
    owner = version.model.owner
    update_model(actor=owner, model=version.model, description="Soft ink on paper")
    update_model(actor=owner, model=version.model, description="Soft ink on silk")
    address = reverse("model_history", args=[version.model.slug])
    expected = {"anonymous": 302, "stranger": 403, "viewer": 200, "member": 200, "owner": 200}
    for name, person in people_of(version).items():
        assert client_of(person).get(address).status_code == expected[name], name
    page = text_of(client_of(owner).get(address))

    assert "<del>paper</del><ins>silk</ins>" in page
    assert owner.public_name in page


def test_likes_follows_and_hiding_are_switched_on_and_off(version):
    reader = UserFactory()
    client = client_of(reader)
    slug = version.model.slug
    client.post(reverse("model_engage", args=[slug, "like"]), {"on": "1"})
    assert Model.objects.get().thumbs_up_count == 1
    client.post(reverse("model_engage", args=[slug, "hide"]), {"on": "1"})
    link = f'href="/models/{slug}/"'
    assert link not in text_of(client.get("/models/"))
    assert link in text_of(client.get("/models/?scope=hidden"))
    client.post(reverse("model_unhide", args=[slug]))
    assert link in text_of(client.get("/models/"))
    client.post(reverse("model_engage", args=[slug, "like"]), {"on": "0"})
    assert Model.objects.get().thumbs_up_count == 0


def test_nobody_is_shown_another_persons_note_or_bonds(version):
    reader = UserFactory()
    client = client_of(reader)
    address = reverse("model", args=[version.model.slug])
    client.post(reverse("model_note", args=[version.model.slug]), {"text": "use at 0.55"})

    assert "use at 0.55" in text_of(client.get(address))
    for other in (None, UserFactory(), version.model.owner):
        assert "use at 0.55" not in text_of(client_of(other).get(address))
    client.post(reverse("model_note", args=[version.model.slug]), {"text": ""})
    assert "use at 0.55" not in text_of(client.get(address))


def test_an_unknown_bond_is_refused(version):
    address = reverse("model_engage", args=[version.model.slug, "seen"])

    assert client_of(UserFactory()).post(address, {"on": "1"}).status_code == 400


def test_following_a_person_and_a_tag_fills_the_page_of_what_is_new(version):
    client = client_of(UserFactory())
    assert "You follow nothing yet" in text_of(client.get(reverse("following")))
    client.post(reverse("person_follow", args=[version.model.owner.username]), {"on": "1"})
    page = text_of(client.get(reverse("following")))
    assert f"/models/{version.model.slug}/" in page
    client.post(reverse("person_follow", args=[version.model.owner.username]), {"on": "0"})
    client.post(reverse("tag_follow"), {"tag": "Ink", "on": "1"})
    page = text_of(client.get(reverse("following")))

    assert f"/models/{version.model.slug}/" in page
    assert "Stop following ink" in page
    assert client_of().get(reverse("following")).status_code == 302


def test_only_what_a_person_has_not_opened_is_left_by_the_filter(version):
    client = client_of(UserFactory())
    assert f"/models/{version.model.slug}/" in text_of(client.get("/models/?unseen=1"))
    client.get(reverse("model", args=[version.model.slug]))

    assert f"/models/{version.model.slug}/" not in text_of(client.get("/models/?unseen=1"))
    assert f"/models/{version.model.slug}/" in text_of(client_of().get("/models/?unseen=1"))


def test_an_aria2_list_names_address_file_and_checksum(version):
    text = text_of(client_of().get("/models/export/aria2.txt"))
    file = version.files.get()

    lines = text.splitlines()
    assert lines[0] == f"http://testserver/api/download/models/{version.pk}?fileId={file.pk}"
    assert f"  checksum=sha-256={file.blob.sha256}" in lines


def test_the_tensors_of_a_file_are_listed_and_searched(version):
    address = reverse("model_file_tensors", args=[version.files.get().pk])
    page = text_of(client_of().get(address))
    assert "lora_down.weight" in page
    assert "4 × 768" in page
    assert "ss_network_dim" in page
    assert "No tensor has this in its name" in text_of(client_of().get(address + "?q=zzz"))
    Model.objects.update(visibility=ModelVisibility.PRIVATE)

    assert client_of().get(address).status_code == 404


def test_lineage_leads_up_to_the_base_and_down_to_what_was_made_from_it(version):
    child = publish_model(name="Child", seed=2)
    hidden = publish_model(name="Hidden child", seed=3, visibility="private")
    for made in (child, hidden):
        ModelVersion.objects.filter(pk=made.pk).update(base_version=version)
    up = text_of(client_of().get(reverse("model_lineage", args=[child.pk])))
    down = text_of(client_of().get(reverse("model_lineage", args=[version.pk])))

    assert "Ink Wash" in up
    assert "Child" in down
    assert "Hidden child" not in down


def test_a_base_that_is_not_shared_is_said_to_be_there_without_its_name(version):
    child = publish_model(name="Child", seed=2)
    ModelVersion.objects.filter(pk=child.pk).update(base_version=version)
    Model.objects.filter(pk=version.model_id).update(visibility=ModelVisibility.PRIVATE)
    page = text_of(client_of().get(reverse("model_lineage", args=[child.pk])))

    assert "A base that is not shared with you" in page
    assert "Ink Wash" not in page


@pytest.mark.parametrize(
    ("suffix", "begins"), [("sha256", ""), ("civitai.info", "{"), ("preview", "\ufffdPNG")]
)
def test_sidecars_carry_the_name_of_the_download(version, suffix, begins):
    from tests.models_registry.test_drafts import picture_blob

    drafts.add_cover(actor=version.model.owner, version=version, blob=picture_blob())
    file = version.files.get()
    answer = client_of().get(f"/api/download/files/{file.pk}/{suffix}")
    body = answer.getvalue()

    assert answer.status_code == 200
    assert 'filename="ink-wash' in answer.headers["Content-Disposition"]
    if suffix == "sha256":
        assert body.decode() == f"{file.blob.sha256}  ink-wash.safetensors\n"
    assert body.decode(errors="replace").startswith(begins)
    if answer.streaming:
        answer.close()


def test_sidecars_of_what_one_may_not_have_are_refused(version):
    file = version.files.get()
    ModelVersion.objects.filter(pk=version.pk).update(requires_sign_in=True)
    assert client_of().get(f"/api/download/files/{file.pk}/sha256").status_code == 403
    Model.objects.update(visibility=ModelVisibility.PRIVATE)

    assert client_of(UserFactory()).get(f"/api/download/files/{file.pk}/sha256").status_code == 404


def test_every_filter_in_force_is_in_the_address_and_can_be_taken_away(version):
    query = "?format=SafeTensor&precision=fp16&licence=MIT&commercial=Sell&unseen=1&sort=trending"
    page = text_of(client_of(UserFactory()).get(f"/models/{query}"))
    chips = re.findall(r'aria-label="Remove filter: ([^"]+)" class="chip" href="([^"]*)"', page)

    names = {name for name, _address in chips}
    assert {"SafeTensor", "fp16", "MIT", "Only what I have not seen"} <= names
    assert all("sort=trending" in address for _name, address in chips)


def test_the_pages_cost_the_same_number_of_queries_however_much_is_on_them(
    version, django_assert_max_num_queries
):
    owner = version.model.owner
    made = collections.create_collection(actor=owner, name="All", visibility="public")

    def fill(start: int) -> None:
        for number in range(start, start + 3):
            other = publish_model(owner=owner, name=f"More {number}", seed=number).model
            collections.collect_model(actor=owner, collection=made, model=other)
            collections.create_collection(actor=owner, name=f"C{number}", visibility="public")
            first = add_comment(actor=UserFactory(), subject=version.model, text="a")
            for _answer in range(2):
                add_comment(
                    actor=UserFactory(), subject=version.model, text="b", parent_id=first.pk
                )
            update_model(actor=owner, model=version.model, description=f"Text {number}")

    client = client_of(owner)
    addresses = [
        reverse("collection", args=[made.pk]),
        reverse("collection_manifest", args=[made.pk]),
        reverse("collections"),
        reverse("model", args=[version.model.slug]),
        reverse("model_history", args=[version.model.slug]),
        reverse("following"),
    ]

    def costs() -> list[int]:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        found = []
        for address in addresses:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            found.append(len(captured))
        return found

    fill(10)
    costs()  # the first look writes that the model was seen and fills caches
    before = costs()
    fill(20)

    assert costs() == before


def test_a_tombstone_stays_in_the_tabs_beside_a_living_version(version):
    owner = version.model.owner
    second = make_version(version.model, name="v2")
    from models_registry.services.publish import publish_version
    from tests.factories.registry import add_clean_file

    add_clean_file(second, seed=9)
    publish_version(actor=owner, version=second)
    delete_files(actor=owner, version=version, reason="Trained on the wrong pictures")
    page = text_of(client_of().get(reverse("model", args=[version.model.slug]) + "?v=1"))

    assert "Trained on the wrong pictures" in page
    assert f"/models/{version.model.slug}/" in text_of(client_of().get("/models/"))
