"""Reviews, bookmarks, downloads and the repair command."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from hub.core.errors import Invalid, NotAllowed, NotFound
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import bookmarks, download, reviews
from tests.factories.accounts import UserFactory
from tests.factories.registry import make_model, make_version, publish_model

pytestmark = pytest.mark.django_db


def model_of(version) -> Model:
    return Model.objects.get(pk=version.model_id)


def test_reviews_are_counted_rewritten_and_taken_back():
    version = publish_model()
    aoi, mika = UserFactory(), UserFactory()
    reviews.write_review(actor=aoi, version=version, rating=5, text=" Lovely. ")
    review = reviews.write_review(actor=mika, version=version, rating=2)
    model = model_of(version)
    assert (model.rating_count, model.rating_sum, model.rating) == (2, 7, 3.5)
    assert (model.thumbs_up_count, model.thumbs_down_count) == (1, 1)
    reviews.write_review(actor=mika, version=version, rating=4)
    assert model_of(version).thumbs_up_count == 2
    with pytest.raises(NotAllowed):
        reviews.delete_review(actor=aoi, review=review)
    reviews.delete_review(actor=mika, review=review)
    version.refresh_from_db()
    assert (version.rating_count, version.rating_sum) == (1, 5)


@pytest.mark.parametrize("rating", [0, 6])
def test_stars_are_one_to_five(rating):
    with pytest.raises(Invalid):
        reviews.write_review(actor=UserFactory(), version=publish_model(), rating=rating)


def test_what_one_may_not_see_or_owns_cannot_be_reviewed():
    version = publish_model()
    with pytest.raises(NotAllowed):
        reviews.write_review(actor=version.model.owner, version=version, rating=5)
    draft = make_version(make_model(name="Draft"))
    with pytest.raises(NotFound):
        reviews.write_review(actor=UserFactory(), version=draft, rating=5)


def test_saving_twice_counts_once_and_forgetting_gives_it_back():
    version, reader = publish_model(), UserFactory()
    bookmarks.save_model(actor=reader, model=version.model)
    bookmarks.save_model(actor=reader, model=version.model)
    assert model_of(version).bookmark_count == 1
    bookmarks.forget_model(actor=reader, model=version.model)
    bookmarks.forget_model(actor=reader, model=version.model)
    assert model_of(version).bookmark_count == 0
    with pytest.raises(NotFound):
        bookmarks.save_model(actor=reader, model=make_model(name="Draft"))


def test_a_download_counts_once_for_each_person_and_day():
    file = publish_model().files.get()
    reader = UserFactory()
    today = timezone.now()
    counted = [
        download.record_download(file=file, user=reader, now=today),
        download.record_download(file=file, user=reader, now=today),
        download.record_download(file=file, user=reader, now=today + timedelta(days=1)),
        download.record_download(file=file, visitor="a" * 32, now=today),
        download.record_download(file=file, visitor="a" * 32, now=today),
        download.record_download(file=file, now=today),
        download.record_download(file=file, now=today),
    ]
    assert counted == [True, False, True, True, False, True, True]
    file.version.refresh_from_db()
    assert file.version.download_count == model_of(file.version).download_count == 5


def test_the_visitor_digest_changes_by_day_and_hides_the_address():
    now = timezone.now()
    one = download.visitor_digest(address="192.0.2.1", agent="A", now=now)
    assert one == download.visitor_digest(address="192.0.2.1", agent="A", now=now)
    assert one != download.visitor_digest(address="192.0.2.1", agent="B", now=now)
    assert one != download.visitor_digest(
        address="192.0.2.1", agent="A", now=now + timedelta(days=1)
    )
    assert "192" not in one


def test_the_repair_command_puts_wrong_counters_right():
    version = publish_model()
    reviews.write_review(actor=UserFactory(), version=version, rating=5)
    download.record_download(file=version.files.get(), user=UserFactory())
    Model.objects.filter(pk=version.model_id).update(
        rating_sum=99, bookmark_count=7, download_count=0, latest_version=None, search_words=""
    )
    ModelVersion.objects.filter(pk=version.pk).update(thumbs_up_count=0, download_count=0)
    out = StringIO()
    call_command("repair_counters", "--search", stdout=out)
    assert "1 models checked, 1 repaired" in out.getvalue()
    model = model_of(version)
    version.refresh_from_db()
    assert (model.rating_sum, model.bookmark_count, model.download_count) == (5, 0, 1)
    assert (version.thumbs_up_count, version.download_count) == (1, 1)
    assert model.latest_version == version
    assert "inkwash" in model.search_words
    out = StringIO()
    call_command("repair_counters", stdout=out)
    assert "0 repaired" in out.getvalue()
