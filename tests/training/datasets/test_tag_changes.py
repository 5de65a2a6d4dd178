"""Changes of tag lists: exact back and forth, and sane when others edited in between."""

from hypothesis import given
from hypothesis import strategies as st

from training.datasets.tag_changes import (
    apply_change,
    change_between,
    normal_tags,
    with_replaced,
    with_tag,
)

TAG_LISTS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(TAG_LISTS, TAG_LISTS)
def test_a_change_leads_there_and_back(before: list[str], after: list[str]) -> None:
    change = change_between(before, after)
    assert apply_change(before, change) == after
    assert apply_change(after, change.reversed()) == before


@given(TAG_LISTS, TAG_LISTS, TAG_LISTS)
def test_undoing_on_a_list_that_others_edited_touches_only_the_own_tags(
    before: list[str], after: list[str], edited: list[str]
) -> None:
    change = change_between(before, after)
    added = {text for _, text in change.added}
    removed = {text for _, text in change.removed}
    result = apply_change(edited, change.reversed())
    assert len(result) == len(set(result))
    assert set(result) == (set(edited) - added) | removed


@given(TAG_LISTS)
def test_the_same_list_is_no_change(tags: list[str]) -> None:
    assert not change_between(tags, tags)


def test_tags_are_trimmed_unique_and_the_trigger_stays_first() -> None:
    tags = normal_tags([" snow ", "", "girl", "snow", "yuki  ns"], trigger_word="yuki ns")
    assert tags == ["yuki ns", "snow", "girl"]


def test_a_tag_is_added_once_at_the_end_that_was_asked_for() -> None:
    assert with_tag(["a"], "b", at_start=False) == ["a", "b"]
    assert with_tag(["a"], "b", at_start=True) == ["b", "a"]
    assert with_tag(["a", "b"], "a", at_start=False) == ["a", "b"]


def test_a_replacement_takes_the_place_or_merges() -> None:
    assert with_replaced(["a", "b", "c"], "b", "x") == ["a", "x", "c"]
    assert with_replaced(["a", "b", "c"], "b", "c") == ["a", "c"]
    assert with_replaced(["a"], "b", "c") == ["a"]
