"""Comments on the pages of models and pictures, and the page of mentions and answers."""

import pytest
from django.test import Client
from django.urls import reverse

from frontend.contexts.comments import subject_url
from hub.accounts.models import User
from hub.comments.models import Comment, Subject
from hub.comments.services import add_comment
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import make_model, make_version, publish_model

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(params=["model", "image"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return publish_model().model if request.param == "model" else make_image()


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def page_of(subject: Subject, user: User | None = None) -> str:
    return client_of(user).get(subject_url(subject)).content.decode()


def test_a_comment_is_written_answered_changed_and_taken_away(subject: Subject) -> None:
    author, other = client_of(UserFactory()), client_of(UserFactory())
    write = f"{subject_url(subject)}comments/write/"
    part = author.post(write, {"text": "<b>Which</b> **VAE**?"}, headers=HTMX).content.decode()
    assert "&lt;b&gt;Which&lt;/b&gt; <strong>VAE</strong>?" in part
    assert "<html" not in part
    first = Comment.objects.get()
    answer = other.post(write, {"text": "Any.", "parent": str(first.pk)})
    assert answer.headers["Location"] == f"{subject_url(subject)}#comments"
    edit = reverse("comment_edit", args=[first.pk])
    assert "Which" in author.get(edit).content.decode()
    author.post(edit, {"text": "Which one?"})
    assert "changed" in page_of(subject)
    for address in (edit, reverse("comment_delete", args=[first.pk])):
        assert other.post(address, {"text": "x"}).status_code == 403
    author.post(reverse("comment_delete", args=[first.pk]))
    page = page_of(subject)
    assert "Which one?" not in page
    assert "This comment was taken away." in page
    assert "Any." in page


def test_a_deleted_comment_is_brought_back_by_the_toast(subject: Subject) -> None:
    comment = add_comment(actor=UserFactory(), subject=subject, text="Which VAE?")
    delete = reverse("comment_delete", args=[comment.pk])
    restore = reverse("comment_restore", args=[comment.pk])
    author, keeper = client_of(comment.author), client_of(subject.owner)
    for client, other in ((author, keeper), (keeper, author)):
        answer = client.post(delete, headers=HTMX)
        assert "Which VAE?" not in answer.content.decode() + page_of(subject, subject.owner)
        assert f'"undo_url": "{restore}"' in answer.headers["HX-Trigger"]
        assert other.post(restore).status_code == 404
        assert client.post(restore).headers["Location"] == f"{subject_url(subject)}#comments"
        assert "Which VAE?" in page_of(subject)
    author.post(delete)
    page = author.get(subject_url(subject)).content.decode()
    assert f'<form method="post" action="{restore}"' in page
    assert "Which VAE?" in author.post(restore, headers=HTMX).content.decode()


def test_a_refused_text_is_kept_with_the_reason(subject: Subject, settings) -> None:
    settings.COMMENT_MAX_CHARACTERS = 5
    client = client_of(UserFactory())
    write = f"{subject_url(subject)}comments/write/"
    refused = client.post(write, {"text": "123456"}, headers=HTMX)
    assert refused.status_code == 422
    assert "the limit is 5" in refused.content.decode()
    assert "123456</textarea>" in refused.content.decode()
    assert client.post(write, {"text": " "}).status_code == 400
    assert client_of().post(write, {"text": "hi"}).status_code == 401
    client.post(write, {"text": "12345"})
    edit = reverse("comment_edit", args=[Comment.objects.get().pk])
    again = client.post(edit, {"text": "123456"}, headers=HTMX)
    assert again.status_code == 422
    assert again.headers["HX-Retarget"] == f"#comment-{Comment.objects.get().pk}"
    assert client.post(edit, {"text": "123456"}).status_code == 413


def test_the_people_of_a_subject_hide_and_show_and_nobody_else(subject: Subject) -> None:
    comment = add_comment(actor=UserFactory(), subject=subject, text="Rude words")
    hide = reverse("comment_hide", args=[comment.pk])
    assert client_of(comment.author).post(hide).status_code == 403
    keeper = client_of(subject.owner)
    part = keeper.post(hide, headers=HTMX).content.decode()
    assert "Show comment again" in part
    assert "Rude words" in part
    assert "Rude words" not in page_of(subject)
    assert client_of(comment.author).post(hide).status_code == 404
    keeper.post(hide)
    assert "Rude words" in page_of(subject)


def test_older_threads_follow_and_a_list_alone_leads_to_the_page(subject: Subject) -> None:
    for number in range(21):
        add_comment(actor=subject.owner, subject=subject, text=f"said {number}.")
    address = f"{subject_url(subject)}comments/"
    page = page_of(subject)
    assert "said 1." in page
    assert "said 0." not in page
    part = client_of().get(address, headers=HTMX).content.decode()
    older = part.split('class="more"')[1].split('href="')[1].split('"')[0]
    assert "said 0." in client_of().get(older, headers=HTMX).content.decode()
    assert client_of().get(address).headers["Location"] == f"{subject_url(subject)}#comments"


def test_a_draft_shows_no_comments_to_others() -> None:
    draft = make_version(make_model())
    address = reverse("model_comments", args=[draft.model.slug])

    assert client_of().get(address).status_code == 404


def test_a_named_person_sees_it_until_they_open_the_page(subject: Subject) -> None:
    linmo = UserFactory(username="linmo")
    comment = add_comment(actor=UserFactory(), subject=subject, text="@linmo which VAE?")
    client = client_of(linmo)
    assert "1 new mention" in client.get("/models/").content.decode()
    page = client.get(reverse("mentions")).content.decode()
    assert "which VAE?" in page
    assert f'href="{subject_url(subject)}#comment-{comment.pk}"' in page
    assert "new mention" not in client.get("/models/").content.decode()
    assert 'href="/people/linmo/"' in page_of(subject)
    nobody = client_of(subject.owner).get(reverse("mentions")).content.decode()
    assert "Nobody has named or answered you yet" in nobody


def test_names_are_offered_by_their_first_letters_to_those_who_are_signed_in() -> None:
    for name, is_active in (("Linmo", True), ("linus", True), ("lina", False), ("aoi", True)):
        UserFactory(username=name, is_active=is_active)
    address = reverse("person_names")
    found = client_of(UserFactory(username="reader")).get(f"{address}?q=LIN").json()["items"]
    assert sorted(row["username"] for row in found) == ["Linmo", "linus"]
    assert client_of(UserFactory()).get(address).json() == {"items": []}
    assert client_of().get(address).status_code == 302
