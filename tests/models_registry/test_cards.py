"""The history of a card: one revision for each change that reads differently."""

import pytest

from hub.core.errors import NotAllowed
from models_registry.card_diff import Change, Piece, diff_words
from models_registry.card_history import card_history
from models_registry.models.revision import CardRevision
from models_registry.services.cards import card_edit
from models_registry.services.drafts import set_tags, set_trigger_words
from models_registry.services.edits import update_model, update_version
from models_registry.services.values import Usage, Weight
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model, make_version

pytestmark = pytest.mark.django_db


def changes(model, viewer=None):
    page = card_history(viewer=viewer or model.owner, model=model)
    return [
        {(change.version_index, change.field) for change in item.changes} for item in page.items
    ]


def test_each_service_that_changes_the_card_leaves_one_revision():
    model = make_model(tags=["ink"])
    owner = model.owner
    version = make_version(model, weight=0.8)
    update_model(actor=owner, model=model, name="Ink", description="New", licence_name="MIT")
    update_version(actor=owner, version=version, usage=Usage(clip_skip=2), weight=Weight())
    set_trigger_words(actor=owner, version=version, words=["one", "two"])
    set_tags(actor=owner, model=model, tags=["paper"])

    assert changes(model) == [
        {(None, "tags")},
        {(1, "trigger_words")},
        {(1, "clip_skip"), (1, "weight")},
        {(None, "name"), (None, "description"), (None, "licence")},
        {(1, "name"), (1, "base_model"), (1, "trigger_words"), (1, "weight")},
        set(),
    ]
    assert {row.author for row in CardRevision.objects.all()} == {owner}


def test_saving_without_a_change_leaves_no_revision():
    model = make_model(description="As it is")
    update_model(actor=model.owner, model=model, name=model.name, description="As it is")

    assert CardRevision.objects.count() == 1


def test_several_changes_inside_one_edit_are_one_revision():
    model = make_model()
    with card_edit(actor=model.owner, model_id=model.pk):
        update_model(actor=model.owner, model=model, description="New")
        set_tags(actor=model.owner, model=model, tags=["a"])

    assert changes(model)[0] == {(None, "description"), (None, "tags")}
    assert CardRevision.objects.count() == 2


def test_an_edit_that_fails_leaves_neither_change_nor_revision():
    model = make_model(description="Old")

    def fail_in_the_middle() -> None:
        with card_edit(actor=model.owner, model_id=model.pk):
            update_model(actor=model.owner, model=model, description="New")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    model.refresh_from_db()

    assert model.description == "Old"
    assert CardRevision.objects.count() == 1


def test_a_card_from_before_the_history_begins_with_how_it_stood():
    model = make_model(description="Old")
    CardRevision.objects.all().delete()
    update_model(actor=model.owner, model=model, description="New")
    newest, first = card_history(viewer=model.owner, model=model).items

    assert first.is_first
    assert first.revision.author is None
    assert first.revision.fields["description"] == "Old"
    assert [change.field for change in newest.changes] == ["description"]


def test_what_the_hub_reads_from_a_file_is_a_revision_of_the_hub():
    version = make_version(make_model(), trigger_words=())
    add_clean_file(version)
    newest = card_history(viewer=version.model.owner, model=version.model).items[0]

    assert newest.revision.author is None
    assert {change.field for change in newest.changes} >= {"trigger_words", "clip_skip"}


def test_strangers_do_not_read_the_history():
    model = make_model()
    with pytest.raises(NotAllowed):
        card_history(viewer=UserFactory(), model=model)


def test_older_changes_come_by_cursor_and_compare_with_the_page_before_them():
    model = make_model()
    for number in range(5):
        update_model(actor=model.owner, model=model, description=f"Text {number}")
    first = card_history(viewer=model.owner, model=model, limit=3)
    rest = card_history(viewer=model.owner, model=model, limit=3, cursor=first.next_cursor)
    shown = [item.changes for item in (*first.items, *rest.items)]

    assert [len(found) for found in shown] == [1, 1, 1, 1, 1, 0]
    assert rest.next_cursor is None


def test_a_diff_marks_words_and_leaves_the_rest():
    assert diff_words("soft ink on paper", "soft ink on silk") == [
        Piece(Change.SAME, "soft ink on "),
        Piece(Change.REMOVED, "paper"),
        Piece(Change.ADDED, "silk"),
    ]


def test_a_diff_of_chinese_text_marks_single_characters():
    pieces = diff_words("水墨画风", "水彩画风")

    assert Piece(Change.REMOVED, "墨") in pieces
    assert Piece(Change.ADDED, "彩") in pieces


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "new"), ("old", ""), ("a\nb\nc\n", "a\nX\nc\n"), ("x" * 9000, "y" * 9000), ("", "")],
)
def test_added_and_same_pieces_are_the_new_text_and_removed_ones_the_old(before, after):
    pieces = diff_words(before, after)
    new = "".join(p.text for p in pieces if p.change in (Change.SAME, Change.ADDED))
    old = "".join(p.text for p in pieces if p.change in (Change.SAME, Change.REMOVED))

    assert (old, new) == (before, after)


def test_long_sameness_is_left_out():
    same = "word " * 1000
    pieces = diff_words(same + "\nold", same + "\nnew")

    assert Change.SKIPPED in {piece.change for piece in pieces}
    assert sum(len(piece.text) for piece in pieces) < 1000
