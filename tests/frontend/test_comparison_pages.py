"""Comparisons on pages: asked for from the model, watched, kept with it, taken away."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from hub.accounts.models import User
from models_registry.models.version import ModelVersion
from models_registry.services.edits import update_model
from tests.factories.accounts import UserFactory
from tests.factories.comparisons import make_comparison, publish_tiny_base, publish_tiny_lora
from tests.factories.registry import publish_model
from tests.factories.training import make_worker, picture_bytes
from training.jobs.models.comparison import Comparison
from training.jobs.models.drawn import GridState
from training.jobs.services import comparisons
from training.jobs.services.lifecycle import Failure

pytestmark = pytest.mark.django_db


@pytest.fixture
def base() -> ModelVersion:
    return publish_tiny_base(UserFactory())


@pytest.fixture
def lora(tmp_path: Path) -> ModelVersion:
    return publish_tiny_lora(UserFactory(), tmp_path)


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def page_of(address: str, user: User | None = None) -> str:
    answer = client_of(user).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def model_page(version: ModelVersion, user: User | None = None) -> str:
    return page_of(reverse("model", args=[version.model.slug]), user)


def draw_one(comparison: Comparison, folder: Path) -> None:
    comparisons.claim_next_comparison(worker=make_worker())
    path = folder / "one.png"
    path.write_bytes(picture_bytes(3))
    comparisons.record_comparison_cell(
        comparison_id=comparison.pk,
        attempt=1,
        column_id=comparison.columns.order_by("position")[0].pk,
        prompt_index=0,
        seed=1,
        path=path,
    )


def test_it_is_asked_for_on_a_form_that_knows_the_version(base, lora):
    reader = UserFactory()
    client = client_of(reader)
    address = reverse("comparison_new", args=[lora.pk])
    assert address in model_page(lora, reader)
    assert address not in model_page(lora)
    form = client.get(address).context["form"]
    assert form.initial["bases"] == [str(base.pk)]
    assert form.initial["prompts"] == "inkwash"
    sent = {
        "bases": [str(base.pk)],
        "weights": "0.5，1",
        "with_plain": "on",
        "prompts": "inkwash, a pine\n\ninkwash, a pine\na road",
        "seeds": "1 2",
        "steps": "20",
        "guidance": "2.5",
        "clip_skip": "1",
    }
    answer = client.post(address, sent)
    made = Comparison.objects.get()

    assert answer.url == reverse("comparison", args=[made.pk])
    assert made.prompts == ["inkwash, a pine", "a road"]
    assert (made.seeds, made.total_cells) == ([1, 2], 3 * 2 * 2)
    refused = client.post(address, sent | {"weights": "9"})
    assert refused.status_code == 422
    assert "Numbers here go from" in refused.content.decode()


def test_a_model_that_the_engine_cannot_draw_with_has_no_comparison():
    reader = UserFactory()
    poses = publish_model(name="Poses", type="Poses")

    assert "/compare/" not in model_page(poses, reader)
    address = reverse("comparison_new", args=[poses.pk])
    assert client_of(reader).get(address).status_code == 404
    assert client_of().get(address).status_code == 302


def test_pictures_stand_on_its_page_and_on_the_models(base, lora, tmp_path):
    made = make_comparison(lora, base, weights=[0.5])
    address = reverse("comparison", args=[made.pk])
    waiting = page_of(address)
    assert "A worker draws it between two runs." in waiting
    assert 'hx-trigger="every 2s"' in waiting
    draw_one(made, tmp_path)
    part = client_of().get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.count("<img") == 1
    assert "<html" not in part
    assert "not drawn yet" in part
    comparisons.COMPARISONS.finish(made.pk, 1)
    page = model_page(lora)

    assert address in page
    assert "Weight 0.5" in page
    assert "hx-trigger" not in page_of(address)
    assert "an apple" in page_of(reverse("comparisons", args=[lora.pk]))


def test_it_is_as_visible_as_the_model_and_names_nothing_that_is_not_shared(base, lora):
    made = make_comparison(lora, base)
    update_model(actor=base.model.owner, model=base.model, visibility="private")
    address = reverse("comparison", args=[made.pk])
    assert "A checkpoint that is not shared with you" in page_of(address)
    assert "Tiny v1" not in page_of(address)
    assert "Tiny v1" in page_of(address, base.model.owner)
    update_model(actor=lora.model.owner, model=lora.model, visibility="private")

    for user in (None, UserFactory()):
        assert client_of(user).get(address).status_code == 404
        kept = reverse("comparisons", args=[lora.pk])
        assert client_of(user).get(kept).status_code == 404


def test_a_failure_says_why_and_is_tried_again(base, lora):
    made = make_comparison(lora, base)
    comparisons.claim_next_comparison(worker=make_worker())
    comparisons.COMPARISONS.fail(made.pk, 1, Failure("out_of_memory", "CUDA has 1 GB left."))
    owner = client_of(lora.model.owner)
    page = owner.get(reverse("comparison", args=[made.pk])).content.decode()
    assert "The device has too little memory." in page
    stranger = client_of(UserFactory())
    retry = reverse("comparison_action", args=[made.pk, "retry"])
    assert stranger.post(retry).status_code == 403
    owner.post(retry)
    assert Comparison.objects.get().state == GridState.QUEUED
    owner.post(reverse("comparison_action", args=[made.pk, "cancel"]))
    assert Comparison.objects.get().state == GridState.CANCELED
    burn = reverse("comparison_action", args=[made.pk, "burn"])
    assert owner.post(burn).status_code == 404
    delete = reverse("comparison_delete", args=[made.pk])
    assert stranger.post(delete).status_code == 403
    owner.post(delete)
    assert not Comparison.objects.exists()


def test_more_comparisons_cost_no_more_queries(base, lora, django_assert_max_num_queries):
    def count() -> int:
        with django_assert_max_num_queries(200) as seen:
            page_of(reverse("comparisons", args=[lora.pk]))
        return len(seen)

    comparisons.cancel_comparison(actor=lora.model.owner, comparison=make_comparison(lora, base))
    few = count()
    for _ in range(3):
        made = make_comparison(lora, base, weights=[0.2, 0.4], seeds=[1, 2])
        comparisons.cancel_comparison(actor=lora.model.owner, comparison=made)
    assert count() == few
