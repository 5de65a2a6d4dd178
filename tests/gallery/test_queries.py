"""Who sees which pictures, in which order, and with how many questions to the database."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from frontend.contexts.images import image_card_of
from gallery.models import Image
from gallery.queries import (
    ImageFilters,
    ImageSort,
    ImageTotal,
    Scope,
    base_models_in_use,
    image_detail,
    image_list,
    image_total,
    images_of_version,
    known_versions,
    models_in_use,
    neighbours,
)
from gallery.services.moderation import hide_image, set_post_visibility
from gallery.services.reactions import toggle_reaction
from hub.accounts.services import add_member
from hub.core.errors import Invalid, NotFound
from hub.core.visibility import Visibility
from models_registry.services.engagement import set_engagement
from tests.factories.accounts import UserFactory, make_team
from tests.factories.gallery import INFOTEXT, make_image, make_post, png_bytes
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()
SETTINGS = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x96"


def pks(viewer=NOBODY, **filters) -> list[int]:
    page = image_list(viewer=viewer, filters=ImageFilters(**filters))
    return [image.pk for image in page.items]


def test_public_pictures_are_for_all_and_private_ones_for_their_owner() -> None:
    public, private = make_image(), make_image(visibility=Visibility.PRIVATE)
    assert pks() == [public.pk]
    assert pks(UserFactory()) == [public.pk]
    assert pks(private.owner) == [private.pk, public.pk]
    assert pks(UserFactory(is_superuser=True)) == [private.pk, public.pk]


def test_team_pictures_are_for_the_team() -> None:
    team = make_team()
    member = UserFactory()
    add_member(actor=team.created_by, team=team, user=member)
    image = make_image(owner=team.created_by, team=team, visibility=Visibility.TEAM)
    assert pks(member) == [image.pk]
    assert pks(UserFactory()) == pks() == []


def test_a_picture_that_was_not_read_yet_is_for_its_owner_only() -> None:
    image = make_post().images.get()
    assert pks(image.owner) == [image.pk]
    assert pks(UserFactory()) == []


def test_a_hidden_picture_is_not_there_for_others() -> None:
    image = make_image()
    hide_image(actor=UserFactory(is_staff=True), image=image, now=timezone.now())
    assert pks(UserFactory()) == []
    with pytest.raises(NotFound):
        image_detail(UserFactory(), image.pk)
    assert image_detail(image.owner, image.pk).pk == image.pk


def test_making_a_post_private_takes_its_pictures_from_the_list() -> None:
    image = make_image()
    set_post_visibility(actor=image.owner, post=image.post, visibility=Visibility.PRIVATE)
    assert pks(UserFactory()) == []


def test_filters_narrow_by_author_prompt_base_model_model_and_post() -> None:
    version = publish_model(name="Ink Wash", base_model="SDXL 1.0")
    author = UserFactory(username="Linmo")
    made = make_image(owner=author, model_version=version)
    plain = make_image(data=png_bytes())
    assert pks(author="linmo") == [made.pk]
    assert pks(with_prompt=True) == [made.pk]
    assert pks(base_models=("SDXL 1.0", "SD 1.5")) == [made.pk]
    assert pks(model_id=version.model_id) == pks(version_id=version.pk) == [made.pk]
    assert pks(post_id=plain.post_id) == [plain.pk]
    assert pks(author="linmo", post_id=plain.post_id) == []
    assert [i.pk for i in images_of_version(NOBODY, version)] == [made.pk]


def test_pictures_are_found_by_the_words_of_their_prompts() -> None:
    latin = make_image(data=png_bytes(texts={"parameters": INFOTEXT}))
    chinese = make_image(
        data=png_bytes(texts={"parameters": "红丝带女孩, <lora:水墨:0.7>\nSteps: 4"})
    )
    long = make_image(data=png_bytes(texts={"parameters": f"{'x ' * 10_001}snow\nSteps: 4"}))
    make_image(data=png_bytes())
    for words in ("ribbon", "Red RIB", "yuki_ns", "yuki", "(red ribbon:1.2)", "inkwash viewer"):
        assert pks(words=words) == [latin.pk], words
    for words in ("丝带", "女孩", "水墨", "红丝带女孩"):
        assert pks(words=words) == [chinese.pk], words
    assert pks(words="x") == [long.pk]
    for words in ("extra fingers", "snow", "ribbon castle", "(:)", "丝女", "rib\x00 'on"):
        assert pks(words=words) == [], (
            words
        )  # the negative prompt and settings are not looked through
    assert len(pks(words="  ")) == 4
    assert pks(words="ribbon", author="nobody") == []


def test_of_a_word_that_very_many_have_the_list_asks_each_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gallery.queries.MANY_IMAGES", 1)
    made = [make_image(data=png_bytes(texts={"parameters": INFOTEXT})) for _ in range(2)]
    make_image(data=png_bytes())
    assert pks(words="ribbon") == [image.pk for image in reversed(made)]


@pytest.mark.parametrize(("many", "ceiling"), [(1, 1), (1, 2), (9, 1)])
def test_the_pictures_of_a_well_known_model_are_counted_from_its_side(
    monkeypatch: pytest.MonkeyPatch, many: int, ceiling: int
) -> None:
    monkeypatch.setattr("gallery.queries.MANY_IMAGES", many)
    monkeypatch.setattr("gallery.queries.COUNT_CEILING", ceiling)
    version = publish_model()
    for number in range(2):
        make_image(data=png_bytes(colour=(number, 4, 0)), model_version=version)
    private = make_image(data=png_bytes(colour=(9, 4, 0)), model_version=version)
    Image.objects.filter(pk=private.pk).update(visibility=Visibility.PRIVATE)
    expected = ImageTotal(min(2, ceiling), is_least=ceiling < 2)
    for which in ({"version_id": version.pk}, {"model_id": version.model_id}):
        assert image_total(viewer=NOBODY, filters=ImageFilters(**which)) == expected


def test_pictures_of_a_hidden_model_stand_only_where_it_is_named() -> None:
    version = publish_model()
    made, other = make_image(model_version=version), make_image(data=png_bytes())
    reader = UserFactory()
    set_engagement(actor=reader, model=version.model, kind="hide", is_on=True)
    assert pks(reader) == [other.pk]
    assert pks(reader, model_id=version.model_id) == [made.pk]
    assert pks(UserFactory()) == pks() == [other.pk, made.pk]


def test_scopes_show_the_team_or_oneself() -> None:
    team = make_team()
    mine = make_image(owner=team.created_by, team=team)
    make_image()
    assert pks(team.created_by, scope=Scope.MINE) == [mine.pk]
    assert pks(UserFactory(), scope=Scope.TEAM, team_id=team.pk) == [mine.pk]
    assert pks(NOBODY, scope=Scope.MINE) == pks(NOBODY, scope=Scope.TEAM) == []


@pytest.mark.parametrize("sort", list(ImageSort))
def test_every_order_walks_over_each_picture_once(sort: ImageSort) -> None:
    person = UserFactory()
    made = [make_image(data=png_bytes(colour=(n, 0, 0))) for n in range(7)]
    for image in made[::2]:
        toggle_reaction(actor=person, image=image, kind="like")
    seen: list[int] = []
    cursor = None
    while True:
        page = image_list(viewer=NOBODY, filters=ImageFilters(), sort=sort, cursor=cursor, limit=3)
        seen += [image.pk for image in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    expected = {
        ImageSort.NEWEST: sorted(seen, reverse=True),
        ImageSort.OLDEST: sorted(seen),
        ImageSort.MOST_REACTIONS: [i.pk for i in made[::-1] if i in made[::2]]
        + [i.pk for i in made[::-1] if i not in made[::2]],
        ImageSort.MOST_COMMENTS: sorted(seen, reverse=True),
    }
    assert seen == expected[sort]


@pytest.mark.parametrize("cursor", ["nonsense", "WyJ4IiwieSJd", "WzEsMl0", "e30"])
def test_a_cursor_that_was_not_made_here_is_refused(cursor: str) -> None:
    make_image()
    with pytest.raises(Invalid):
        image_list(viewer=NOBODY, filters=ImageFilters(), cursor=cursor)


def test_neighbours_follow_the_list_and_its_filters() -> None:
    first, second, third = (make_image(data=png_bytes(colour=(n, 0, 0))) for n in range(3))
    around = neighbours(viewer=NOBODY, filters=ImageFilters(), sort=ImageSort.NEWEST, image=second)
    assert (around.previous_id, around.next_id) == (third.pk, first.pk)
    around = neighbours(viewer=NOBODY, filters=ImageFilters(), sort=ImageSort.OLDEST, image=third)
    assert (around.previous_id, around.next_id) == (second.pk, None)
    alone = ImageFilters(post_id=second.post_id)
    around = neighbours(viewer=NOBODY, filters=alone, sort=ImageSort.NEWEST, image=second)
    assert (around.previous_id, around.next_id) == (None, None)


def test_the_names_of_private_models_are_not_told() -> None:
    version = publish_model(name="Ink Wash", visibility=Visibility.PRIVATE, base_model="SDXL 1.0")
    owner = version.model.owner
    image = make_image(owner=owner, model_version=version)
    ids = set(image.resources.filter(version__isnull=False).values_list("version_id", flat=True))
    assert set(known_versions(owner, ids)) == {version.pk}
    assert known_versions(NOBODY, ids) == {}
    assert models_in_use(owner) == [(version.model_id, "Ink Wash")]
    assert models_in_use(NOBODY) == []
    assert models_in_use(NOBODY, chosen=version.model_id) == []


def test_base_models_in_use_are_those_of_visible_pictures() -> None:
    version = publish_model(base_model="SDXL 1.0")
    image = make_image(model_version=version, visibility=Visibility.PRIVATE)
    assert base_models_in_use(image.owner) == ["SDXL 1.0"]
    assert base_models_in_use(NOBODY) == []


def test_counting_stops_at_the_ceiling(monkeypatch) -> None:
    for number in range(3):
        make_image(data=png_bytes(colour=(number, 0, 0)))
    assert image_total(viewer=NOBODY, filters=ImageFilters()) == ImageTotal(3)
    monkeypatch.setattr("gallery.queries.COUNT_CEILING", 2)
    assert image_total(viewer=NOBODY, filters=ImageFilters()) == ImageTotal(2, is_least=True)


@pytest.mark.parametrize(("window", "most_keys"), [(9, 9), (2, 9), (2, 1), (3, 9)])
def test_words_find_the_same_pictures_however_they_are_looked_for(
    monkeypatch, window, most_keys
) -> None:
    made = []
    for number in range(6):
        text = f"{'ink' if number % 2 else 'oil'} drawing\n{SETTINGS}"
        data = png_bytes(colour=(number, 2, 0), texts={"parameters": text})
        made.append(make_image(data=data).pk)
    monkeypatch.setattr("gallery.prompt_search.WINDOW", window)
    monkeypatch.setattr("gallery.prompt_search.MOST_KEYS", most_keys)
    filters, found, cursor = ImageFilters(words="ink draw"), [], None
    for _ in range(4):
        page = image_list(viewer=NOBODY, filters=filters, cursor=cursor, limit=1)
        found += [image.pk for image in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert found == made[5::-2]
    assert image_total(viewer=NOBODY, filters=filters) == ImageTotal(3)
    for nearest, most_words in ((1, 128), (9, 128), (1, 0)):
        monkeypatch.setattr("gallery.prompt_search.NEAREST", nearest)
        monkeypatch.setattr("gallery.prompt_words.MOST_WORDS", most_words)
        for words in ("ink", "ink draw"):
            assert around(made[3], words) == (made[5], made[1])
            assert around(made[5], words) == (None, made[3])
            assert around(made[0], words) == (made[1], None)
    assert around(made[3], "&") == (None, None)


def around(image_id: int, words: str) -> tuple[int | None, int | None]:
    image = Image.objects.get(pk=image_id)
    found = neighbours(
        viewer=NOBODY, filters=ImageFilters(words=words), sort=ImageSort.NEWEST, image=image
    )
    return found.previous_id, found.next_id


def test_more_pictures_are_looked_at_where_these_promise_enough(monkeypatch) -> None:
    for number in range(8):
        text = f"{'ink' if number % 2 else 'oil'} drawing\n{SETTINGS}"
        make_image(data=png_bytes(colour=(number, 5, 0), texts={"parameters": text}))
    monkeypatch.setattr("gallery.prompt_search.WINDOW", 2)
    monkeypatch.setattr("gallery.prompt_search.WIDER", 3)
    monkeypatch.setattr("gallery.queries.FEW_HITS", 2)
    filters = ImageFilters(words="ink")
    assert image_total(viewer=NOBODY, filters=filters) == ImageTotal(3, is_least=True)
    assert len(image_list(viewer=NOBODY, filters=filters, limit=2).items) == 2
    monkeypatch.setattr("gallery.queries.FEW_HITS", 3)  # the index is asked, and counts them all
    assert image_total(viewer=NOBODY, filters=filters) == ImageTotal(4)


def test_of_a_common_word_the_newest_pictures_tell_that_there_are_many(monkeypatch) -> None:
    for number in range(3):
        data = png_bytes(colour=(number, 3, 0), texts={"parameters": f"ink\n{SETTINGS}"})
        make_image(data=data)
    monkeypatch.setattr("gallery.prompt_search.WINDOW", 2)
    monkeypatch.setattr("gallery.queries.FEW_HITS", 1)
    monkeypatch.setattr("gallery.queries.WORD_CEILING", 1)
    total = image_total(viewer=NOBODY, filters=ImageFilters(words="ink"))
    assert total == ImageTotal(1, is_least=True)


def cards_with_queries() -> tuple[int, int]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = image_list(viewer=NOBODY, filters=ImageFilters(), limit=100)
        cards = [image_card_of(image) for image in page.items]
    return len(cards), len(queries)


def test_twice_the_pictures_ask_the_database_no_more_often() -> None:
    for number in range(2):
        make_image(data=png_bytes(colour=(number, 1, 1), texts={"parameters": INFOTEXT}))
    few, asked = cards_with_queries()
    for number in range(2, 6):
        make_image(data=png_bytes(colour=(number, 1, 1)))
    many, asked_again = cards_with_queries()
    assert (few, many) == (2, 6)
    assert asked == asked_again == 2
    assert Image.objects.count() == 6
