"""Comments through v2: one resource, whatever they are about."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["models", "images"])
def about(request: pytest.FixtureRequest) -> tuple[str, object]:
    """The list of comments on a model or under a picture, and whose that is."""
    thing = publish_model().model if request.param == "models" else make_image()
    return f"{request.param}/{thing.pk}/comments/", thing.owner


def test_comments_are_threads_and_name_people(api, api_of, about):
    path, _owner = about
    linmo, author = UserFactory(username="linmo"), UserFactory()
    first = api_of(author).post(path, {"text": "@linmo which VAE?"})
    api_of(linmo).post(path, {"text": "Any.", "parent_id": first["id"]})
    [thread] = api.get(path)["items"]
    assert [row["text"] for row in thread["answers"]] == ["Any."]
    [mention] = api_of(linmo).get("mentions/")["items"]
    assert (mention["reason"], mention["comment_id"]) == ("mention", first["id"])
    assert (mention["model_id"], mention["image_id"]) == (first["model_id"], first["image_id"])
    [answer] = api_of(author).get("mentions/")["items"]
    assert (answer["reason"], answer["text"]) == ("answer", "Any.")
    assert api.get("mentions/", status=401)
    assert api.post(path, {"text": "hi"}, status=401)


def test_a_comment_is_changed_hidden_and_deleted_by_whom_it_concerns(api, api_of, about):
    path, owner = about
    author, other = api_of(UserFactory()), api_of(UserFactory())
    one = f"comments/{author.post(path, {'text': 'one'})['id']}/"
    assert author.patch(one, {"text": "uno"})["edited_at"]
    assert api.get(one)["text"] == "uno"
    for body in ({"text": "x"}, {"is_hidden": True}):
        assert other.patch(one, body, status=403)
    other.delete(one, status=403)
    assert api_of(owner).patch(one, {"is_hidden": True})["is_hidden"]
    assert api.get(one, status=404)
    assert not api_of(owner).patch(one, {"is_hidden": False})["is_hidden"]
    author.post(path, {"text": "answer", "parent_id": author.get(one)["id"]})
    author.delete(one)
    [thread] = api.get(path)["items"]
    assert (thread["text"], thread["is_hidden"], len(thread["answers"])) == (None, False, 1)
    other.post(f"{one}restore/", {}, status=404)
    assert author.post(f"{one}restore/", {}, status=200)["text"] == "uno"
    assert api.get(path)["items"][0]["text"] == "uno"


def test_more_comments_cost_no_more_queries(api, api_of, about):
    path, _owner = about
    first = api_of(UserFactory()).post(path, {"text": "Hello"})

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            api.get(path)
        return len(seen)

    api_of(UserFactory()).post(path, {"text": "Hello", "parent_id": first["id"]})
    few = count()
    for parent in (None, first["id"], None):
        api_of(UserFactory()).post(path, {"text": "Hello", "parent_id": parent})
    assert count() == few
