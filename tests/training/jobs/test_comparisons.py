"""Comparisons as rows: who may ask for what, whose turn it is, who sees what was compared."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models.functions import Now

from hub.core.errors import AtelierError, Conflict, Invalid, NotAllowed, NotFound
from models_registry.models.version import ModelVersion
from models_registry.services.edits import update_model
from tests.factories.accounts import UserFactory
from tests.factories.comparisons import (
    make_comparison,
    publish_tiny_base,
    publish_tiny_lora,
    wish_for,
)
from tests.factories.registry import publish_model
from tests.factories.training import make_worker, picture_bytes
from training.jobs.comparison_queries import comparison_for, comparisons_of, drawn_ahead
from training.jobs.models.comparison import Comparison, ComparisonCell
from training.jobs.models.drawn import GridState
from training.jobs.services import comparisons
from training.jobs.services.comparison_wish import columns_of
from training.jobs.services.transitions import LeaseLost

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()


@pytest.fixture
def base() -> ModelVersion:
    return publish_tiny_base(UserFactory())


@pytest.fixture
def lora(tmp_path: Path) -> ModelVersion:
    return publish_tiny_lora(UserFactory(), tmp_path)


def draw(comparison: Comparison, folder: Path, *, attempt: int = 1) -> ComparisonCell:
    path = folder / "cell.png"
    path.write_bytes(picture_bytes(1))
    return comparisons.record_comparison_cell(
        comparison_id=comparison.pk,
        attempt=attempt,
        column_id=comparison.columns.order_by("position")[0].pk,
        prompt_index=0,
        seed=1,
        path=path,
    )


def test_a_lora_is_drawn_at_each_weight_and_once_without_it_for_each_checkpoint(base, lora):
    wish = wish_for(base, weights=[0.5, 1.0], seeds=[1, 2], prompts=["a", "b"])
    columns = columns_of(lora, wish)
    made = make_comparison(lora, base, weights=[0.5, 1.0], seeds=[1, 2], prompts=["a", "b"])

    assert [(c.is_applied, c.weight) for c in columns] == [
        (False, None), (True, 0.5), (True, 1.0),
    ]  # fmt: skip
    assert made.total_cells == 3 * 2 * 2
    assert made.columns.count() == 3


def test_a_checkpoint_is_compared_with_others_and_has_no_weight(base):
    other = publish_tiny_base(base.model.owner, name="Other")
    made = make_comparison(base, base, other)

    assert [column.base for column in made.columns.order_by("position")] == [base, other]
    assert not made.columns.filter(is_applied=True).exists()
    with pytest.raises(Invalid, match="the model itself"):
        make_comparison(base, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": []},
        {"prompts": [" "]},
        {"prompts": ["x" * 2001]},
        {"weights": [1.0, 1.0]},
        {"weights": [9.0]},
        {"guidance": 31.0},
        {"seeds": [-1]},
        {"steps": 0},
        {"width": 4096},
        {"clip_skip": 9},
    ],
)
def test_what_cannot_be_drawn_is_refused(base, lora, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        make_comparison(lora, base, **changes)
    assert not Comparison.objects.exists()


def test_a_base_must_be_a_checkpoint_of_the_same_family(base, lora):
    other_family = publish_model(name="Real", type="Checkpoint", seed=5)
    for wrong in (lora, other_family):
        with pytest.raises(Invalid):
            make_comparison(lora, wrong)
    with pytest.raises(Invalid):
        make_comparison(lora, base, vaes=[base])
    poses = publish_model(name="Poses", type="Poses", seed=6)
    with pytest.raises(Invalid, match="cannot be drawn with"):
        make_comparison(poses, base)


def test_nobody_draws_with_a_file_that_they_may_not_have(base, lora):
    stranger = UserFactory()
    update_model(actor=base.model.owner, model=base.model, visibility="private")
    with pytest.raises(AtelierError):
        comparisons.request_comparison(actor=stranger, version=lora, wish=wish_for(base))
    base.files.update(scan_status="Pending")
    with pytest.raises(Conflict, match="still being checked"):
        comparisons.request_comparison(actor=base.model.owner, version=base, wish=wish_for(base))


def test_the_limits_are_settings(base, lora, settings):
    settings.COMPARISON_MAX_PICTURES = 2
    settings.PERSON_MAX_QUEUED_COMPARISONS = 1
    with pytest.raises(Invalid, match="at most 2"):
        make_comparison(lora, base, weights=[0.5, 1.0])
    make_comparison(lora, base)
    with pytest.raises(Conflict, match="1 comparisons in line"):
        make_comparison(lora, base)


def test_whoever_has_none_drawing_comes_before_the_older_one(base, lora):
    first = make_comparison(lora, base)
    second = make_comparison(lora, base)
    third = comparisons.request_comparison(actor=UserFactory(), version=lora, wish=wish_for(base))
    worker = make_worker()
    order = [comparisons.claim_next_comparison(worker=worker) for _ in range(4)]

    assert order == [first, third, second, None]


def test_a_worker_too_small_leaves_it_to_others(base, lora):
    made = make_comparison(lora, base)
    assert comparisons.claim_next_comparison(worker=make_worker(memory_bytes=1)) is None
    assert drawn_ahead(made) == 0


def test_a_lost_worker_gives_it_back_and_writes_nothing_more(base, lora, tmp_path):
    made = make_comparison(lora, base)
    comparisons.claim_next_comparison(worker=make_worker())
    draw(made, tmp_path)
    draw(made, tmp_path)
    assert ComparisonCell.objects.count() == 1
    Comparison.objects.update(lease_until=Now())
    assert comparisons.COMPARISONS.requeue_lost() == 1
    with pytest.raises(LeaseLost):
        draw(made, tmp_path)


def test_who_asked_and_the_people_of_the_model_stop_retry_and_delete(base, lora):
    asker = UserFactory()
    made = comparisons.request_comparison(actor=asker, version=lora, wish=wish_for(base))
    for act in (
        comparisons.cancel_comparison,
        comparisons.retry_comparison,
        comparisons.delete_comparison,
    ):
        with pytest.raises(NotAllowed):
            act(actor=UserFactory(), comparison=made)
    comparisons.cancel_comparison(actor=asker, comparison=made)
    comparisons.cancel_comparison(actor=asker, comparison=made)
    assert Comparison.objects.get().state == GridState.CANCELED
    comparisons.retry_comparison(actor=lora.model.owner, comparison=made)
    assert Comparison.objects.get().state == GridState.QUEUED
    comparisons.delete_comparison(actor=lora.model.owner, comparison=made)
    assert not Comparison.objects.exists()


def test_it_is_seen_with_its_model_and_what_is_not_shared_is_not_named(base, lora):
    made = make_comparison(lora, base)
    update_model(actor=base.model.owner, model=base.model, visibility="private")
    assert comparison_for(ANYONE, made.pk).columns.all()[0].base is None
    assert comparison_for(base.model.owner, made.pk).columns.all()[0].base == base
    update_model(actor=lora.model.owner, model=lora.model, visibility="private")
    with pytest.raises(NotFound):
        comparison_for(ANYONE, made.pk)
    assert list(comparisons_of(lora.model.owner, lora)) == [made]
