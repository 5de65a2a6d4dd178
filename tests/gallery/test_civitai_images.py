"""`GET /api/v1/images`: what clients of Civitai's API rely on."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gallery.models import Image
from gallery.services.moderation import set_rating
from gallery.services.reactions import toggle_reaction
from hub.accounts.models import Scope, User
from hub.accounts.services import create_api_token
from hub.comments.services import add_comment
from hub.core.visibility import Visibility
from tests.factories.accounts import UserFactory
from tests.factories.gallery import INFOTEXT, make_image, make_post, png_bytes
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


def get(status: int = 200, *, viewer: User | None = None, **query: Any) -> dict[str, Any]:
    headers = {}
    if viewer is not None:
        key = create_api_token(actor=viewer, name="t", scopes=[Scope.MODELS_READ])[1]
        headers["Authorization"] = f"Bearer {key}"
    response = Client(headers=headers).get("/api/v1/images", query)
    assert response.status_code == status, response.content[:300]
    return response.json()


def ids(**query: Any) -> list[int]:
    return [item["id"] for item in get(**query)["items"]]


def plain(number: int) -> Image:
    return make_image(data=png_bytes(colour=(number, 2, 3)))


def test_an_item_has_the_keys_that_clients_read_in_their_order() -> None:
    version = publish_model(base_model="SDXL 1.0")
    image = make_image(owner=UserFactory(username="linmo"), model_version=version)
    person = UserFactory()
    for kind in ("like", "heart", "cry", "laugh", "dislike"):
        toggle_reaction(actor=person, image=image, kind=kind)
    add_comment(actor=person, subject=image, text="good")
    (item,) = get()["items"]
    url = item.pop("url")
    assert url.startswith("http://testserver/media/")
    assert "/original=true/" in url
    with closing(Client().get(url.removeprefix("http://testserver"))) as picture:
        assert picture.headers["Content-Type"] == "image/png"
    assert item == {
        "id": image.pk,
        "hash": image.blurhash,
        "width": 64,
        "height": 96,
        "nsfwLevel": "None",
        "type": "image",
        "nsfw": False,
        "browsingLevel": 1,
        "createdAt": item["createdAt"],
        "postId": image.post_id,
        "stats": {
            "cryCount": 1,
            "laughCount": 1,
            "likeCount": 1,
            "dislikeCount": 1,
            "heartCount": 1,
            "commentCount": 1,
        },
        "meta": None,
        "username": "linmo",
        "baseModel": "SDXL 1.0",
        "modelVersionIds": [version.pk],
    }
    assert item["createdAt"].endswith("Z")


def test_meta_comes_flat_in_lists_and_nested_for_one_picture_or_a_model() -> None:
    version = publish_model()
    image = make_image(model_version=version)
    flat = get(withMeta="true")["items"][0]["meta"]
    assert (flat["prompt"][:7], flat["steps"], flat["cfgScale"]) == ("yuki_ns", 28, 6.5)
    assert flat["Model hash"] == "31e35c80fc"
    nested = {"id": image.pk, "meta": flat}
    assert get(withMeta="true", imageId=image.pk)["items"][0]["meta"] == nested
    assert get(withMeta="true", modelId=version.model_id)["items"][0]["meta"] == nested
    both = get(withMeta="true", modelId=version.model_id, modelVersionId=version.pk)
    assert both["items"][0]["meta"] == flat
    forced = get(withMeta="true", imageId=image.pk, flatMeta="true")
    assert forced["items"][0]["meta"] == flat
    assert get(imageId=image.pk)["items"][0]["meta"] is None


def test_filters_narrow_by_post_model_version_author_base_model_and_data() -> None:
    version = publish_model(base_model="SDXL 1.0")
    linmo = UserFactory(username="linmo")
    made, other = make_image(owner=linmo, model_version=version), plain(1)
    assert ids(modelId=version.model_id) == ids(modelVersionId=version.pk) == [made.pk]
    assert ids(username="Linmo") == ids(userId=linmo.pk) == [made.pk]
    assert ids(baseModels="SDXL 1.0") == ids(requiringMeta="true") == [made.pk]
    assert ids(postId=other.post_id) == ids(imageId=other.pk) == [other.pk]
    assert ids(modelId=version.model_id + 1000) == []
    assert ids(tags="1") == ids(type="video") == []


def test_a_period_leaves_older_pictures_out() -> None:
    new, old = plain(1), plain(2)
    Image.objects.filter(pk=old.pk).update(published_at=timezone.now() - timedelta(days=3))
    assert ids(period="Day") == [new.pk]
    assert set(ids(period="Week")) == set(ids(period="AllTime")) == {new.pk, old.pk}


@pytest.mark.parametrize("few", [2, 1])
def test_a_period_is_in_the_same_order_however_its_pictures_are_found(monkeypatch, few) -> None:
    monkeypatch.setattr("gallery.catalogue.FEW_RECENT", few)
    liked, plain_one = plain(1), plain(2)
    private = make_image(visibility=Visibility.PRIVATE)
    toggle_reaction(actor=UserFactory(), image=liked, kind="like")
    for sort in ("Most Reactions", "Oldest"):
        assert ids(period="Week", sort=sort) == [liked.pk, plain_one.pk]
    first = get(period="Week", limit=1)
    assert [item["id"] for item in first["items"]] == [liked.pk]
    cursor = first["metadata"]["nextCursor"]
    assert ids(period="Week", limit=1, cursor=cursor) == [plain_one.pk]
    assert private.pk not in ids(period="Week")


@pytest.mark.parametrize(
    ("query", "levels"),
    [
        ({}, {1, 2, 4, 8, 16}),
        ({"nsfw": "None"}, {1}),
        ({"nsfw": "Soft"}, {1, 2}),
        ({"nsfw": "Mature"}, {1, 2, 4}),
        ({"nsfw": "X"}, {1, 2, 4, 8, 16}),
        ({"nsfw": "true"}, {4, 8, 16}),
        ({"nsfw": "false"}, {1}),
        ({"browsingLevel": 10, "nsfw": "None"}, {2, 8}),
    ],
    ids=str,
)
def test_levels_are_cumulative_names_bits_or_only_the_strong_ones(query, levels) -> None:
    for number, level in enumerate((1, 2, 4, 8, 16)):
        image = plain(number)
        set_rating(actor=image.owner, image=image, level=level)
    items = get(**query)["items"]
    assert {item["browsingLevel"] for item in items} == levels
    names = {1: "None", 2: "Soft", 4: "Mature", 8: "X", 16: "X"}
    assert all(item["nsfwLevel"] == names[item["browsingLevel"]] for item in items)
    assert all(item["nsfw"] == (item["browsingLevel"] > 1) for item in items)


def test_orders_are_by_reactions_comments_and_time() -> None:
    first, second, third = plain(1), plain(2), plain(3)
    toggle_reaction(actor=UserFactory(), image=first, kind="like")
    add_comment(actor=UserFactory(), subject=second, text="x")
    assert ids() == ids(sort="Most Reactions") == [first.pk, third.pk, second.pk]
    assert ids(sort="Most Comments")[0] == second.pk
    assert ids(sort="Newest") == [third.pk, second.pk, first.pk]
    assert ids(sort="Oldest") == [first.pk, second.pk, third.pk]
    random = get(sort="Random")
    assert {item["id"] for item in random["items"]} == {first.pk, second.pk, third.pk}
    assert "nextCursor" not in random["metadata"]


def test_a_random_picture_is_found_among_many_that_are_of_no_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gallery.catalogue.DRAWN_FOR_EACH", 1)
    hidden = [plain(number).pk for number in range(5)]
    Image.objects.filter(pk__in=hidden).update(visibility=Visibility.PRIVATE)
    shown = plain(6)
    for _try in range(3):
        assert ids(sort="Random", limit=1) == [shown.pk]


@pytest.mark.parametrize("start", [{}, {"page": 1}, {"page": 2}], ids=["cursor", "page", "page 2"])
@pytest.mark.parametrize("sort", ["Most Reactions", "Newest", "Oldest"])
def test_following_next_page_meets_every_picture_once(start: dict[str, int], sort: str) -> None:
    made = {plain(number).pk for number in range(7)}
    response = Client().get("/api/v1/images", {"limit": 2, "sort": sort, **start}).json()
    seen = [item["id"] for item in response["items"]]
    while "nextPage" in response["metadata"]:
        response = Client().get(response["metadata"]["nextPage"]).json()
        seen += [item["id"] for item in response["items"]]
    assert len(seen) == len(set(seen))
    assert set(seen) == made if start != {"page": 2} else len(seen) == 5


def test_strange_parameters_are_refused_and_unknown_ones_ignored() -> None:
    assert "error" in get(400, limit=201)
    assert "error" in get(400, nsfw="maybe")
    assert "error" in get(400, sort="Prettiest")
    assert "error" in get(400, cursor="nonsense")
    assert "error" in get(400, modelId="abc")
    assert "error" in get(429, page=11, limit=100)
    assert get(limit=0)["items"] == []
    assert get(colour="blue")["items"] == []


def test_private_unread_and_hidden_pictures_are_not_listed_for_others() -> None:
    private = make_image(visibility=Visibility.PRIVATE)
    unread = make_post().images.get()
    hidden = plain(1)
    Image.objects.filter(pk=hidden.pk).update(hidden_at=timezone.now())
    assert ids() == []
    assert ids(viewer=private.owner) == [private.pk]
    assert ids(viewer=unread.owner) == ids(viewer=hidden.owner) == []


def test_the_ids_of_private_models_are_not_told() -> None:
    version = publish_model(visibility=Visibility.PRIVATE)
    make_image(owner=version.model.owner, model_version=version)
    assert get()["items"][0]["modelVersionIds"] == []
    own = get(viewer=version.model.owner)["items"][0]
    assert own["modelVersionIds"] == [version.pk]


def queries_of_a_list() -> int:
    with CaptureQueriesContext(connection) as queries:
        get(withMeta="true")
    return len(queries)


def test_twice_the_pictures_ask_the_database_no_more_often() -> None:
    version = publish_model()
    make_image(model_version=version, data=png_bytes(texts={"parameters": INFOTEXT}))
    before = queries_of_a_list()
    for number in range(3):
        make_image(model_version=version, data=png_bytes(colour=(number, 0, 0)))
    assert queries_of_a_list() == before
