"""Posting: the front door for people, programs and finished runs."""

import uuid

import pytest

from gallery.models import Image, Post
from gallery.services.posts import NewImage, create_post, create_post_from_uploads
from hub.accounts.services import add_member
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from hub.core.models import AuditEvent
from hub.core.tasks import TaskName
from hub.core.visibility import Visibility
from hub.storage.models import UploadStatus
from tests.factories.accounts import UserFactory, make_team
from tests.factories.gallery import make_post, make_upload, png_bytes, store_picture
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


def new_images(count: int) -> list[NewImage]:
    blob = store_picture()
    return [NewImage(blob=blob, filename=f"{index}.png") for index in range(count)]


def test_a_post_keeps_its_pictures_in_order_and_says_who_posted() -> None:
    owner = UserFactory()
    post = create_post(actor=owner, images=new_images(3), title="  Lakes ")
    names = list(post.images.order_by("position").values_list("filename", flat=True))
    assert names == ["0.png", "1.png", "2.png"]
    assert (post.title, post.image_count, post.owner) == ("Lakes", 3, owner)
    newest = list(post.images.order_by("-published_at", "-id").values_list("filename", flat=True))
    assert newest == names
    event = AuditEvent.objects.get(action="post.create", target_id=str(post.pk))
    assert (event.actor, event.detail) == (owner, {"images": 3})


def test_each_picture_is_read_in_the_background_after_the_commit(
    django_capture_on_commit_callbacks,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        post = create_post(actor=UserFactory(), images=new_images(2))
    asked = {callback.keywords["kwargs"]["image_id"] for callback in callbacks}
    assert {callback.args[0] for callback in callbacks} == {TaskName.GALLERY_PROCESS_IMAGE.value}
    assert asked == set(post.images.values_list("pk", flat=True))


def test_one_bad_file_keeps_the_whole_post_back() -> None:
    images = [*new_images(1), NewImage(blob=store_picture(b"words"), filename="notes.png")]
    with pytest.raises(Invalid, match=r"notes\.png"):
        create_post(actor=UserFactory(), images=images)
    assert not Post.objects.exists()
    assert not Image.objects.exists()


def test_a_post_has_at_least_one_picture_and_not_too_many(settings) -> None:
    settings.POST_MAX_IMAGES = 2
    with pytest.raises(Invalid):
        create_post(actor=UserFactory(), images=[])
    assert create_post(actor=UserFactory(), images=new_images(2)).image_count == 2
    with pytest.raises(Invalid, match="can have 2 pictures"):
        create_post(actor=UserFactory(), images=new_images(3))


def test_sharing_with_a_team_needs_a_team_that_one_is_in() -> None:
    team = make_team()
    outsider = UserFactory()
    with pytest.raises(Invalid):
        make_post(visibility=Visibility.TEAM)
    with pytest.raises(NotAllowed):
        make_post(owner=outsider, team=team)
    add_member(actor=team.created_by, team=team, user=outsider)
    assert make_post(owner=outsider, team=team, visibility=Visibility.TEAM).team == team


def test_an_unknown_visibility_is_refused() -> None:
    with pytest.raises(Invalid):
        make_post(visibility="world")


def test_a_model_version_that_one_cannot_see_cannot_be_named() -> None:
    version = publish_model(visibility=Visibility.PRIVATE)
    with pytest.raises(NotFound):
        make_post(model_version=version)
    assert make_post(owner=version.model.owner, model_version=version).model_version == version


def test_uploads_become_a_post_and_are_used_up() -> None:
    owner = UserFactory()
    uploads = [make_upload(owner=owner, data=png_bytes(colour=(n, n, n))) for n in (1, 2)]
    post = create_post_from_uploads(actor=owner, upload_ids=[u.pk for u in uploads])
    assert post.image_count == 2
    for upload in uploads:
        upload.refresh_from_db()
        assert upload.status == UploadStatus.CONSUMED


def test_posting_the_same_uploads_twice_does_not_post_twice() -> None:
    owner = UserFactory()
    upload = make_upload(owner=owner, data=png_bytes())
    create_post_from_uploads(actor=owner, upload_ids=[upload.pk, upload.pk])
    with pytest.raises(Conflict):
        create_post_from_uploads(actor=owner, upload_ids=[upload.pk])
    assert Post.objects.count() == 1


def test_a_bad_file_among_uploads_uses_none_of_them_up() -> None:
    owner = UserFactory()
    good = make_upload(owner=owner, data=png_bytes())
    bad = make_upload(owner=owner, data=b"no picture", filename="bad.png")
    with pytest.raises(Invalid, match=r"bad\.png"):
        create_post_from_uploads(actor=owner, upload_ids=[good.pk, bad.pk])
    good.refresh_from_db()
    assert good.status == UploadStatus.COMPLETE


def test_the_uploads_of_others_cannot_be_posted() -> None:
    upload = make_upload(owner=UserFactory(), data=png_bytes())
    with pytest.raises(NotFound):
        create_post_from_uploads(actor=UserFactory(), upload_ids=[upload.pk])
    with pytest.raises(NotFound):
        create_post_from_uploads(actor=UserFactory(), upload_ids=[uuid.uuid4()])
