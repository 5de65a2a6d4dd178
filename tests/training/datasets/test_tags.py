"""Tag commands: one step of undo each, for one person, on any number of pictures."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.accounts.services import add_member
from hub.core.errors import Conflict, Invalid, NotFound
from tests.factories.accounts import UserFactory
from tests.factories.training import fill, make_dataset
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import CaptionStyle, Problem
from training.datasets.models.tag import TagEdit
from training.datasets.queries import (
    history_of,
    items_of,
    problem_counts,
    tag_frequencies,
)
from training.datasets.services import tags

pytestmark = pytest.mark.django_db


def lists(dataset: Dataset) -> list[list[str]]:
    return [item.tag_texts for item in items_of(dataset)]


def test_adding_to_many_pictures_is_one_step_back() -> None:
    dataset = make_dataset()
    items = fill(dataset, 3)
    before = lists(dataset)
    tags.set_tags(actor=dataset.owner, item=items[0], tags=["hat"])
    middle = lists(dataset)
    edit = tags.add_tag(actor=dataset.owner, items=items, tags=["hat", "red"])
    assert edit is not None
    assert edit.item_count == 3
    assert lists(dataset) == [
        ["hat", "red"],
        ["yuki", "girl", "snow", "hat", "red"],
        ["yuki", "girl", "snow", "hat", "red"],
    ]
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert lists(dataset) == middle
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert lists(dataset) == before
    tags.redo(actor=dataset.owner, dataset=dataset)
    tags.redo(actor=dataset.owner, dataset=dataset)
    assert lists(dataset)[0] == ["hat", "red"]
    with pytest.raises(Conflict):
        tags.redo(actor=dataset.owner, dataset=dataset)


def test_a_new_command_ends_what_could_be_redone() -> None:
    dataset = make_dataset()
    items = fill(dataset, 1)
    tags.add_tag(actor=dataset.owner, items=items, tags=["a"])
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert history_of(dataset, dataset.owner).redo_label
    tags.add_tag(actor=dataset.owner, items=items, tags=["b"])
    assert not history_of(dataset, dataset.owner).redo_label
    assert lists(dataset) == [["yuki", "girl", "snow", "b"]]


def test_removing_and_replacing_keep_the_places() -> None:
    dataset = make_dataset()
    items = fill(dataset, 2)
    tags.replace_tag(actor=dataset.owner, items=items, old="girl", new="woman")
    assert lists(dataset) == [["yuki", "woman", "snow"]] * 2
    tags.remove_tag(actor=dataset.owner, items=items, tags=["yuki", "snow"])
    assert lists(dataset) == [["woman"]] * 2
    tags.undo(actor=dataset.owner, dataset=dataset)
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert lists(dataset) == [["yuki", "girl", "snow"]] * 2


def test_the_trigger_word_stays_first() -> None:
    dataset = make_dataset(trigger_word="yuki")
    items = fill(dataset, 1)
    tags.add_tag(actor=dataset.owner, items=items, tags=["best"], at_start=True)
    assert lists(dataset) == [["yuki", "best", "girl", "snow"]]


def test_a_command_without_effect_is_no_step() -> None:
    dataset = make_dataset()
    items = fill(dataset, 1)
    assert tags.add_tag(actor=dataset.owner, items=items, tags=["snow"]) is None
    assert not TagEdit.objects.exists()


def test_two_people_undo_their_own_steps_and_keep_the_other_ones() -> None:
    dataset = make_dataset()
    items = fill(dataset, 1)
    other = UserFactory()
    add_member(actor=dataset.owner, team=dataset.team, user=other)
    tags.add_tag(actor=dataset.owner, items=items, tags=["mine"])
    tags.add_tag(actor=other, items=items, tags=["theirs"])
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert lists(dataset) == [["yuki", "girl", "snow", "theirs"]]
    tags.undo(actor=other, dataset=dataset)
    assert lists(dataset) == [["yuki", "girl", "snow"]]


def test_text_captions_are_undone_too() -> None:
    dataset = make_dataset()
    (item,) = fill(dataset, 1)
    tags.set_caption_text(actor=dataset.owner, item=item, text="A girl, in the snow.")
    shown = items_of(dataset).get()
    assert (shown.caption_style, shown.caption) == (CaptionStyle.TEXT, "A girl, in the snow.")
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert items_of(dataset).get().caption == "yuki, girl, snow"


def test_the_no_tags_problem_follows_the_tags() -> None:
    dataset = make_dataset()
    items = fill(dataset, 2)
    tags.remove_tag(actor=dataset.owner, items=items[:1], tags=["yuki", "girl", "snow"])
    assert problem_counts(dataset)[Problem.NO_TAGS] == 1
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert problem_counts(dataset)[Problem.NO_TAGS] == 0


def test_frequencies_count_pictures() -> None:
    dataset = make_dataset(trigger_word="yuki")
    items = fill(dataset, 4)
    tags.remove_tag(actor=dataset.owner, items=items[:1], tags=["snow"])
    found = {row.text: (row.count, row.share, row.is_trigger) for row in tag_frequencies(dataset)}
    assert found == {
        "girl": (4, 1.0, False),
        "yuki": (4, 1.0, True),
        "snow": (3, 0.75, False),
    }


def test_the_number_of_queries_does_not_grow_with_the_pictures() -> None:
    counts = []
    for size in (2, 8):
        dataset = make_dataset(name=f"d{size}")
        items = fill(dataset, size)
        with CaptureQueriesContext(
            connection,
        ) as command:
            tags.add_tag(actor=dataset.owner, items=items, tags=["hat"])
        with CaptureQueriesContext(connection) as reading:
            lists(dataset)
        counts.append((len(command), len(reading)))
    assert counts[0] == counts[1]
    assert counts[0][1] == 2


def test_limits_and_strangers() -> None:
    dataset = make_dataset()
    items = fill(dataset, 1)
    with pytest.raises(Invalid):
        tags.add_tag(actor=dataset.owner, items=items, tags=["x" * 256])
    with pytest.raises(Invalid):
        tags.set_tags(actor=dataset.owner, item=items[0], tags=[str(n) for n in range(401)])
    with pytest.raises(NotFound):
        tags.add_tag(actor=UserFactory(), items=items, tags=["x"])
