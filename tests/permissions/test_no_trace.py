"""What is hidden leaves no trace: no list, search, count or neighbour changes by it.

Everything that guests and strangers can read is read twice, before and after somebody adds things
that are not for them beside what they see. Not a byte may differ.
"""

import difflib
import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from gallery.services.moderation import hide_image
from hub.accounts.models import Role, User
from hub.accounts.services import add_member
from hub.core.visibility import Visibility
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.version import ModelVersion
from models_registry.services import collections, drafts, recommendations
from models_registry.services.engagement import write_note
from models_registry.services.values import Resource
from tests.factories.accounts import UserFactory, make_team
from tests.factories.gallery import make_image
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db

WORD = "lunarglow"
#: Differ from answer to answer: tokens against forgery, and how long something is ago.
VARYING = re.compile(r'(data-csrf|value|nonce|content)="[^"]*"|<time[^>]*>[^<]*</time>')


def addresses(version: ModelVersion, collection_id: int, image_id: int) -> list[str]:
    model = version.model
    v1, v2 = "/api/v1", "/api/v2"
    return [
        *("/models/", "/images/", "/collections/", f"/search/?q={WORD}", "/models/?sort=images"),
        *(f"/models/{model.slug}/", f"/people/{model.owner.username}/", f"/images/{image_id}/"),
        *(f"/collections/{collection_id}/", "/models/export/aria2.txt"),
        *(f"{v1}/models?sort=Most+Images", f"{v1}/models?query={WORD}", f"{v1}/models?tag={WORD}"),
        *(f"{v1}/models/{model.pk}", f"{v1}/model-versions/{version.pk}", f"{v1}/tags"),
        *(f"{v1}/images?modelId={model.pk}", f"{v1}/creators", f"{v1}/collections"),
        *(f"{v2}/models/?query={WORD}", f"{v2}/models/{model.pk}/"),
        f"{v2}/versions/{version.pk}/lineage/",
    ]


def answers(clients: dict[str, Client], paths: list[str]) -> dict[tuple[str, str], str]:
    found = {}
    for name, client in clients.items():
        for path in paths:
            cache.clear()
            answer = client.get(path)
            body = b"".join(answer) if answer.streaming else answer.content
            text = VARYING.sub("", body.decode("utf-8", "replace"))
            found[name, path] = f"{answer.status_code} {answer.headers.get('ETag')} {text}"
    return found


def hide_things(owner: User, version: ModelVersion) -> None:
    """One of everything that is not for guests, as near as can be to what they see."""
    model = version.model
    team = make_team(owner=owner)
    add_member(actor=owner, team=team, user=UserFactory(), role=Role.MEMBER)
    draft = make_version(model, name=WORD, trigger_words=[WORD], description=WORD)
    add_clean_file(draft, seed=11, name=f"{WORD}.safetensors")
    unscanned = add_clean_file(version, seed=12, name=f"{WORD}.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=unscanned.pk).update(scan_status=ScanStatus.PENDING)
    kinds = [(Visibility.PRIVATE, None), (Visibility.TEAM, team), ("unlisted", None)]
    for seed, (visibility, place) in enumerate(kinds, start=20):
        hidden = publish_model(
            owner=owner,
            team=place,
            visibility=visibility,
            name=f"{WORD} {seed}",
            tags=["ink", WORD],
            seed=seed,
        )
        recommendations.add_resource(
            actor=owner, version=version, resource=Resource("lora", version=hidden)
        )
        ModelVersion.objects.filter(pk=hidden.pk).update(base_version=version)
        made = collections.create_collection(actor=owner, name=f"{WORD} {seed}")
        collections.collect_model(actor=owner, collection=made, model=model)
        collections.collect_model(actor=owner, collection=made, model=hidden.model)
    make_model(owner=owner, name=WORD, tags=["ink", WORD])
    make_image(owner=owner, visibility=Visibility.PRIVATE, model_version=version)
    taken_back = make_image(owner=owner, model_version=version)
    hide_image(actor=UserFactory(is_staff=True), image=taken_back, now=timezone.now())
    write_note(actor=owner, model=model, text=WORD)


def changed(old: str, new: str) -> list[str]:
    """The lines that differ, short enough to be read."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    return [line[:300] for line in lines][2:12]


def test_what_is_hidden_changes_nothing_that_guests_and_strangers_read():
    owner, stranger = UserFactory(username="mika"), UserFactory(username="stranger")
    version = publish_model(owner=owner, tags=["ink"])
    drafts.add_cover(actor=owner, version=version, blob=picture_blob())
    image = make_image(owner=owner, model_version=version)
    shown = collections.create_collection(actor=owner, name="Inks", visibility=Visibility.PUBLIC)
    collections.collect_model(actor=owner, collection=shown, model=version.model)
    clients = {"guest": Client(), "stranger": Client()}
    clients["stranger"].force_login(stranger)
    paths = addresses(version, shown.pk, image.pk)
    clients["stranger"].get(paths[5])  # from now on they have seen it
    before = answers(clients, paths)
    hide_things(owner, version)
    after = answers(clients, paths)
    assert {key for key, text in before.items() if text.startswith("404")} == set()
    assert {
        key: changed(before[key], after[key]) for key in before if before[key] != after[key]
    } == {}
