"""Reactions and ratings: who may, and the counts that follow."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from gallery.models import Image, Post
from gallery.queries import reactions_of
from gallery.services.moderation import (
    delete_image,
    hide_image,
    set_post_visibility,
    set_rating,
    show_image,
)
from gallery.services.reactions import toggle_reaction
from hub.core.errors import Invalid, NotAllowed
from hub.core.models import AuditEvent
from hub.core.visibility import Visibility
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image, make_post, png_bytes

pytestmark = pytest.mark.django_db


def test_a_reaction_is_given_and_taken_back_and_counted() -> None:
    image, person = make_image(), UserFactory()
    assert toggle_reaction(actor=person, image=image, kind="like") is True
    toggle_reaction(actor=person, image=image, kind="heart")
    toggle_reaction(actor=UserFactory(), image=image, kind="like")
    image.refresh_from_db()
    assert (image.like_count, image.heart_count, image.reaction_count) == (2, 1, 3)
    assert reactions_of(person, image) == {"like", "heart"}
    assert toggle_reaction(actor=person, image=image, kind="like") is False
    image.refresh_from_db()
    assert (image.like_count, image.reaction_count) == (1, 2)
    assert reactions_of(AnonymousUser(), image) == set()


def test_an_unknown_reaction_is_refused() -> None:
    with pytest.raises(Invalid):
        toggle_reaction(actor=UserFactory(), image=make_image(), kind="wow")


def test_nobody_in_particular_does_not_react() -> None:
    image = make_image()
    with pytest.raises(NotAllowed):
        toggle_reaction(actor=AnonymousUser(), image=image, kind="like")


def test_owner_and_staff_rate_a_picture() -> None:
    image = make_image()
    for person in (image.owner, UserFactory(is_staff=True)):
        assert set_rating(actor=person, image=image, level=4).nsfw_level == 4
    with pytest.raises(NotAllowed):
        set_rating(actor=UserFactory(), image=image, level=1)
    with pytest.raises(Invalid):
        set_rating(actor=image.owner, image=image, level=3)


def test_only_staff_hide_and_show_and_every_change_leaves_a_trace() -> None:
    image, staff = make_image(), UserFactory(is_staff=True)
    with pytest.raises(NotAllowed):
        hide_image(actor=image.owner, image=image, now=timezone.now())
    hide_image(actor=staff, image=image, now=timezone.now(), reason="stolen")
    show_image(actor=staff, image=image)
    with pytest.raises(NotAllowed):
        show_image(actor=image.owner, image=image)
    actions = AuditEvent.objects.filter(target_id=str(image.pk), actor=staff)
    assert list(actions.order_by("at").values_list("action", flat=True)) == [
        "image.hide",
        "image.show",
    ]


def test_a_post_is_shared_by_its_owner_only() -> None:
    image = make_image()
    with pytest.raises(NotAllowed):
        set_post_visibility(actor=UserFactory(), post=image.post, visibility=Visibility.PRIVATE)
    with pytest.raises(Invalid):
        set_post_visibility(actor=image.owner, post=image.post, visibility=Visibility.TEAM)
    with pytest.raises(Invalid):
        set_post_visibility(actor=image.owner, post=image.post, visibility="moon")
    set_post_visibility(actor=image.owner, post=image.post, visibility=Visibility.PRIVATE)
    image.refresh_from_db()
    assert image.visibility == Visibility.PRIVATE


def test_deleting_the_last_picture_deletes_the_post() -> None:
    post = make_post(pictures=[png_bytes(), png_bytes(colour=(1, 2, 3))])
    first, second = post.images.order_by("position")
    with pytest.raises(NotAllowed):
        delete_image(actor=UserFactory(), image=first)
    delete_image(actor=post.owner, image=first)
    post.refresh_from_db()
    assert post.image_count == 1
    delete_image(actor=post.owner, image=second)
    assert not Post.objects.filter(pk=post.pk).exists()
    assert not Image.objects.exists()
