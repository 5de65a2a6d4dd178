"""Reviews with what was used and a picture; names in a text."""

import pytest
from django.test import Client
from django.urls import reverse

from frontend.markdown import render_markdown
from hub.accounts.mentions import mentioned_names
from hub.accounts.models import User
from hub.core.errors import NotAllowed
from models_registry.models.model import Model
from models_registry.models.review import Review, ReviewPicture
from models_registry.models.version import ModelVersion
from models_registry.services import reviews
from models_registry.services.edits import update_model
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_upload, png_bytes
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return publish_model()


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def page_of(version: ModelVersion, user: User | None = None) -> str:
    address = reverse("model", args=[version.model.slug])
    return client_of(user).get(address).content.decode()


def write(version: ModelVersion, user: User, **data: str) -> None:
    address = reverse("version_review", args=[version.pk])
    answer = client_of(user).post(address, {"rating": "4", "text": "Good lines", **data})
    assert answer.status_code == 302


def test_a_review_tells_weight_and_checkpoint_and_shows_the_picture(version):
    base = publish_model(name="Paper Base", type="Checkpoint", seed=4)
    reader = UserFactory()
    told = "a pine\nSteps: 20, Seed: 5"
    upload = make_upload(owner=reader, data=png_bytes(texts={"parameters": told}))
    write(version, reader, weight="0.7", base="Paper Base", upload=str(upload.pk))
    page = page_of(version)

    assert "Weight 0.7" in page
    assert f'href="/models/{base.model.slug}/?v=1">Paper Base' in page
    assert "review-picture" in page
    assert "Steps: 20" in ReviewPicture.objects.get().generation_text


def test_the_form_holds_what_was_written_and_a_rewrite_keeps_the_picture(version):
    reader = UserFactory()
    upload = make_upload(owner=reader, data=png_bytes())
    write(version, reader, base="somewhere else", upload=str(upload.pk))
    page = page_of(version, reader)
    assert "Change your review" in page
    assert 'value="somewhere else"' in page
    write(version, reader, rating="2", base="")
    review = Review.objects.get()
    assert (review.rating, review.base_name) == (2, "")
    assert ReviewPicture.objects.exists()
    write(version, reader, remove_picture="on")
    assert not ReviewPicture.objects.exists()


def test_a_checkpoint_that_is_not_shared_is_not_named(version):
    reader = UserFactory()
    base = publish_model(owner=reader, name="Secret Base", type="Checkpoint", seed=4)
    update_model(actor=reader, model=base.model, visibility="private")
    write(version, reader, base="Secret Base", weight="0.5")
    assert Review.objects.get().base_version == base

    assert "Secret Base" in page_of(version, reader)
    assert "Secret Base" not in page_of(version)
    assert "Weight 0.5" in page_of(version)


def test_a_review_is_taken_back_by_its_author_alone(version):
    reader, other = UserFactory(), UserFactory()
    write(version, reader)
    address = reverse("version_review_delete", args=[version.pk])
    assert client_of(other).post(address).status_code == 404
    assert client_of().post(address).status_code == 302
    review = Review.objects.get()
    with pytest.raises(NotAllowed):
        reviews.remove_review_picture(actor=other, review=review)
    client_of(reader).post(address)

    assert not Review.objects.exists()
    assert Model.objects.get().rating_count == 0


def test_a_number_that_is_none_is_refused_with_a_sentence(version):
    address = reverse("version_review", args=[version.pk])
    answer = client_of(UserFactory()).post(address, {"rating": "4", "weight": "much"})

    assert answer.status_code == 400
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@linmo look", {"linmo"}),
        ("thanks, @linmo.", {"linmo.", "linmo"}),
        ("a@linmo.example is mail", set()),
        ("@雪 and @a-b_c", {"雪", "a-b_c"}),
        ("no one", set()),
    ],
)
def test_who_is_named(text, names):
    assert mentioned_names(text) == names


def test_names_become_links_but_not_within_code_or_links():
    people = {"linmo": "/models/?by=linmo"}
    html = render_markdown("Hi @linmo, `@linmo` [@linmo](/x) @nobody **@linmo**", people)

    assert html.count('href="/models/?by=linmo"') == 2
    assert "<code>@linmo</code>" in html
    assert "@nobody" in html
    assert "<script>" not in render_markdown("<script>@linmo</script>", people)
