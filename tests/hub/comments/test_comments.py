"""One system of comments: the same threads, rights, notices and counts for models and pictures."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.comments import services
from hub.comments.deletion import delete_comment, forget_deleted_comments, restore_comment
from hub.comments.models import Comment, DeletedComment, Notice, Subject
from hub.comments.queries import comment_detail, notices_of, threads_of, unread_notices
from hub.comments.services import add_comment
from hub.comments.tasks import forget_deleted_comments_task
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound, TooLarge
from hub.core.models import AuditEvent
from models_registry.models.model import Model
from models_registry.services.counters import repair_counters
from models_registry.services.edits import update_model
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()
NOW = timezone.now()
LATER = NOW + timedelta(days=1)
Say = Callable[..., Comment]


@pytest.fixture(params=["model", "image"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return publish_model().model if request.param == "model" else make_image()


@pytest.fixture
def say(subject: Subject) -> Say:
    def add(text: str, actor: User | None = None, parent: Comment | None = None) -> Comment:
        return add_comment(
            actor=actor or UserFactory(),
            subject=subject,
            text=text,
            parent_id=parent.pk if parent is not None else None,
        )

    return add


def count_of(subject: Subject) -> int:
    return type(subject).objects.get(pk=subject.pk).comment_count


def texts(viewer: User | AnonymousUser, subject: Subject) -> list[list[str]]:
    found = threads_of(viewer, subject).items
    return [[row.text, *(answer.text for answer in row.answers.all())] for row in found]


def test_an_answer_to_an_answer_joins_the_thread_and_counts(subject: Subject, say: Say) -> None:
    first = say(" one ")
    second = say("two", parent=first)
    say("three", parent=second)
    say("newer")

    assert texts(ANYONE, subject) == [["newer"], ["one", "two", "three"]]
    assert count_of(subject) == 4
    if isinstance(subject, Model):
        assert not repair_counters(model_id=subject.pk)


def test_hiding_is_undone_and_shown_only_to_those_who_look_after_it(
    subject: Subject, say: Say
) -> None:
    author, staff = UserFactory(), UserFactory(is_staff=True)
    first = say("one", author)
    for _ in range(2):
        services.hide_comment(actor=subject.owner, comment=first, now=NOW)
    assert count_of(subject) == 0
    assert [texts(who, subject) for who in (ANYONE, author)] == [[], []]
    assert [texts(who, subject) for who in (staff, subject.owner)] == [[["one"]], [["one"]]]
    with pytest.raises(NotFound):
        comment_detail(author, first.pk)
    with pytest.raises(NotAllowed):
        services.show_comment(actor=author, comment=first)
    with pytest.raises(NotAllowed):
        delete_comment(actor=author, comment=first, now=NOW)
    services.show_comment(actor=staff, comment=comment_detail(staff, first.pk))
    assert (count_of(subject), texts(ANYONE, subject)) == (1, [["one"]])
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))[-3:] == [
        "comment.add",
        "comment.hide",
        "comment.show",
    ]


def test_what_is_deleted_is_gone_and_its_place_stays_for_the_answers(
    subject: Subject, say: Say
) -> None:
    author = UserFactory()
    first = say("secret", author)
    answer = say("two", parent=first)
    delete_comment(actor=author, comment=first, now=NOW)
    first.refresh_from_db()
    assert (first.text, texts(ANYONE, subject), count_of(subject)) == ("", [["", "two"]], 1)
    with pytest.raises(Conflict):
        services.show_comment(actor=subject.owner, comment=first)
    delete_comment(actor=subject.owner, comment=answer, now=NOW)
    assert (texts(ANYONE, subject), texts(subject.owner, subject)) == ([], [])
    forget_deleted_comments(now=LATER)
    assert (Comment.objects.count(), count_of(subject)) == (0, 0)


def test_who_deleted_a_comment_brings_it_back_into_its_place(
    subject: Subject, say: Say, settings
) -> None:
    settings.COMMENT_UNDO_SECONDS = 60
    author = UserFactory()
    linmo = UserFactory(username="linmo")
    first = say("one, @linmo", author)
    say("two", parent=first)
    before = (texts(ANYONE, subject), unread_notices(linmo), count_of(subject))
    for actor, other in ((author, subject.owner), (subject.owner, author)):
        delete_comment(actor=actor, comment=first, now=NOW)
        delete_comment(actor=subject.owner, comment=first, now=NOW)  # there is nothing left to take
        assert texts(subject.owner, subject) == [["", "two"]]
        assert (notices_of(linmo).items, unread_notices(linmo)) == ((), 0)
        for who in (other, UserFactory(is_staff=True)):
            with pytest.raises(NotFound):
                restore_comment(actor=who, comment_id=first.pk, now=NOW)
        forget_deleted_comments(now=NOW + timedelta(seconds=59))
        restore_comment(actor=actor, comment_id=first.pk, now=NOW + timedelta(seconds=59))
        assert (texts(ANYONE, subject), unread_notices(linmo), count_of(subject)) == before
    with pytest.raises(NotFound):
        restore_comment(actor=subject.owner, comment_id=first.pk, now=NOW)


def test_after_its_time_a_deleted_comment_is_forgotten(
    subject: Subject, say: Say, settings
) -> None:
    settings.COMMENT_UNDO_SECONDS = 60
    author, later = UserFactory(), NOW + timedelta(seconds=60)
    UserFactory(username="linmo")
    first, alone = say("one, @linmo", author), say("alone", author)
    answer = say("two", author, first)
    for comment in (first, alone):
        delete_comment(actor=author, comment=comment, now=NOW)
        with pytest.raises(NotFound):
            restore_comment(actor=author, comment_id=comment.pk, now=later)
    forget_deleted_comments(now=NOW + timedelta(seconds=59))
    assert DeletedComment.objects.count() == 2
    forget_deleted_comments(now=later)
    assert list(Comment.objects.order_by("pk").values_list("text", flat=True)) == ["", "two"]
    assert not DeletedComment.objects.exists()
    assert not Notice.objects.exists()
    settings.COMMENT_UNDO_SECONDS = 0
    delete_comment(actor=author, comment=answer, now=NOW)
    forget_deleted_comments_task()
    assert not Comment.objects.exists()


def test_what_was_hidden_comes_back_hidden_and_rights_are_asked_again(
    subject: Subject, say: Say
) -> None:
    staff = UserFactory(is_staff=True)
    first = say("one")
    services.hide_comment(actor=staff, comment=first, now=NOW)
    delete_comment(actor=staff, comment=first, now=NOW)
    assert texts(staff, subject) == []
    restore_comment(actor=staff, comment_id=first.pk, now=NOW)
    assert (texts(ANYONE, subject), texts(staff, subject)) == ([], [["one"]])
    assert count_of(subject) == 0
    delete_comment(actor=staff, comment=first, now=NOW)
    staff.is_staff = False
    staff.save()
    with pytest.raises(NotAllowed):
        restore_comment(actor=staff, comment_id=first.pk, now=NOW)


def test_only_the_author_changes_the_words(subject: Subject, say: Say) -> None:
    author = UserFactory()
    comment = say("one", author)
    for other in (subject.owner, UserFactory(is_staff=True), ANYONE):
        with pytest.raises(NotAllowed):
            services.edit_comment(actor=other, comment=comment, text="x", now=NOW)
    services.edit_comment(actor=author, comment=comment, text="one", now=NOW)
    assert comment.edited_at is None
    services.edit_comment(actor=author, comment=comment, text=" uno ", now=NOW)
    assert (comment_detail(ANYONE, comment.pk).text, comment.edited_at) == ("uno", NOW)
    with pytest.raises(NotAllowed):
        delete_comment(actor=UserFactory(), comment=comment, now=NOW)
    with pytest.raises(NotAllowed):
        services.hide_comment(actor=author, comment=comment, now=NOW)


def test_a_comment_has_a_text_within_the_limit_and_a_living_parent(settings, say: Say) -> None:
    settings.COMMENT_MAX_CHARACTERS = 5
    with pytest.raises(Invalid):
        say(" \x00 ")
    with pytest.raises(TooLarge):
        say("123456")
    author = UserFactory()
    first = say("12345", author)
    elsewhere = add_comment(actor=author, subject=make_image(), text="x")
    delete_comment(actor=author, comment=first, now=NOW)
    for parent in (first, elsewhere):
        with pytest.raises(NotFound):
            say("x", parent=parent)
    with pytest.raises(NotAllowed):
        say("x", ANYONE)


def test_whoever_is_named_or_answered_is_told_once_until_they_read_it(say: Say) -> None:
    linmo, author = UserFactory(username="linmo"), UserFactory(username="aoi")
    first = say("@linmo which VAE?", author)
    say("I, @linmo, think any, @aoi.", linmo, first)
    say("Thanks", UserFactory(), first)
    say("talking to myself", author, first)
    told = [(n.reason, n.comment.text) for n in notices_of(author).items]
    assert told == [("answer", "Thanks"), ("mention", "I, @linmo, think any, @aoi.")]
    assert (unread_notices(linmo), unread_notices(author), unread_notices(ANYONE)) == (1, 2, 0)
    services.mark_notices_read(actor=author, now=NOW)
    assert (unread_notices(linmo), unread_notices(author)) == (1, 0)


def test_other_words_name_other_people(say: Say) -> None:
    for name in ("linmo", "aoi"):
        UserFactory(username=name)
    author = UserFactory()
    comment = say("@linmo", author)
    services.edit_comment(actor=author, comment=comment, text="@aoi", now=NOW)
    assert list(Notice.objects.values_list("person__username", flat=True)) == ["aoi"]


def test_nobody_is_told_of_what_they_may_not_open() -> None:
    linmo, model = UserFactory(username="linmo"), publish_model().model
    add_comment(actor=model.owner, subject=model, text="For @linmo later")
    hidden = add_comment(actor=model.owner, subject=model, text="And @linmo")
    services.hide_comment(actor=model.owner, comment=hidden, now=NOW)
    assert [n.comment.text for n in notices_of(linmo).items] == ["For @linmo later"]
    update_model(actor=model.owner, model=model, visibility="private")
    add_comment(actor=model.owner, subject=model, text="Secret, @linmo")
    picture = make_image(visibility="private")
    add_comment(actor=picture.owner, subject=picture, text="Secret, @linmo")

    assert Notice.objects.filter(comment__text__startswith="Secret").count() == 0
    assert notices_of(linmo).items == ()
    with pytest.raises(NotFound):
        add_comment(actor=linmo, subject=picture, text="hello")


def test_a_comment_is_about_one_thing_and_has_a_text_while_it_is_shown() -> None:
    author = UserFactory()
    wrong = [
        {"text": "x"},
        {"text": "x", "model": publish_model().model, "image": make_image()},
        {"text": "", "image": make_image()},
    ]
    for columns in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            Comment.objects.create(author=author, **columns)
