"""Posting pictures: the front door of the gallery for people, programs and finished runs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gallery.models import Image, Post
from gallery.services.generation_data import keep_given_text
from gallery.services.images import check_picture
from gallery.services.resources import given_row, replace_resources
from hub.accounts.models import Team, User
from hub.accounts.queries import works_in
from hub.core import audit
from hub.core.errors import Invalid, NotAllowed, NotFound
from hub.core.tasks import TaskName, enqueue_on_commit
from hub.core.visibility import Visibility
from hub.storage.models import Blob, UploadPurpose
from hub.storage.picture_part import only_picture
from hub.storage.uploads import consume_upload
from models_registry.models.version import ModelVersion


@dataclass(frozen=True)
class NewImage:
    """A picture to post; `generation_text`, when given, wins over what the file carries."""

    blob: Blob
    filename: str
    generation_text: str = ""
    title: str = ""


def create_post(
    *,
    actor: User,
    images: Sequence[NewImage],
    team: Team | None = None,
    title: str = "",
    detail: str = "",
    model_version: ModelVersion | None = None,
    visibility: str = Visibility.PUBLIC,
    now: datetime | None = None,
) -> Post:
    """Publish pictures together; each is read in the background once this commits.

    Raises Invalid for no pictures, too many, or a file that is not a picture; NotAllowed for a team
    the actor is not in; NotFound for a model version the actor cannot see.
    """
    _check_place(actor, team, visibility, model_version)
    if not images:
        raise Invalid(_("A post needs at least one picture."))
    if len(images) > settings.POST_MAX_IMAGES:
        raise Invalid(
            _("A post can have %(most)d pictures; this one has %(count)d.")
            % {"most": settings.POST_MAX_IMAGES, "count": len(images)}
        )
    sizes = [check_picture(new.blob, filename=new.filename) for new in images]
    images = [_picture_alone(new) for new in images]
    with transaction.atomic():
        post = Post.objects.create(
            owner=actor,
            team=team,
            title=title.strip()[:120],
            detail=detail.strip(),
            model_version=model_version,
            visibility=visibility,
            image_count=len(images),
            published_at=now or timezone.now(),
        )
        # Last one first: newest-first lists then show the pictures in the order of the post.
        for position, (new, size) in reversed(list(enumerate(zip(images, sizes, strict=True)))):
            _add_image(post, position, new, width=size.width, height=size.height)
        audit.record(actor=actor, action="post.create", target=post, detail={"images": len(images)})
    return post


def _picture_alone(new: NewImage) -> NewImage:
    """Without what a phone wrote behind it; Invalid, with its name, for what else it hides."""
    try:
        return replace(new, blob=only_picture(new.blob))
    except Invalid as error:
        raise Invalid(f"{new.filename}: {error.message}", code=error.error_code) from error


def create_post_from_uploads(
    *,
    actor: User,
    upload_ids: Sequence[uuid.UUID],
    team: Team | None = None,
    title: str = "",
    detail: str = "",
    model_version: ModelVersion | None = None,
    visibility: str = Visibility.PUBLIC,
) -> Post:
    """Publish files that were sent before; on any error no upload is used up."""
    with transaction.atomic():
        uploads = [
            consume_upload(actor=actor, upload_id=upload_id, purpose=UploadPurpose.IMAGE)
            for upload_id in dict.fromkeys(upload_ids)
        ]
        return create_post(
            actor=actor,
            images=[
                NewImage(blob=upload.blob, filename=upload.filename)
                for upload in uploads
                if upload.blob is not None
            ],
            team=team,
            title=title,
            detail=detail,
            model_version=model_version,
            visibility=visibility,
        )


def _check_place(
    actor: User, team: Team | None, visibility: str, model_version: ModelVersion | None
) -> None:
    if visibility not in Visibility.values:
        raise Invalid(_("Choose who may see these pictures."))
    if team is not None and not works_in(actor, team):
        raise NotAllowed(_("You are not a member of this team. Ask a manager to let you in."))
    if visibility == Visibility.TEAM and team is None:
        raise Invalid(_("Choose a team to share these pictures with."))
    if model_version is not None:
        visible = ModelVersion.objects.visible_to(actor).filter(pk=model_version.pk)
        if not visible.exists():
            raise NotFound(_("There is no such model version, or it is not shared with you."))


def _add_image(post: Post, position: int, new: NewImage, *, width: int, height: int) -> None:
    image = Image.objects.create(
        owner_id=post.owner_id,
        team_id=post.team_id,
        post=post,
        position=position,
        blob=new.blob,
        filename=new.filename[:255],
        title=new.title.strip()[:120],
        width=width,
        height=height,
        visibility=post.visibility,
        published_at=post.published_at,
    )
    if new.generation_text.strip():
        keep_given_text(image, new.generation_text)
    if post.model_version is not None:
        # Tied at once, so that the version's page lists the picture as soon as it is read.
        replace_resources(image=image, rows=[given_row(post.model_version)])
    enqueue_on_commit(TaskName.GALLERY_PROCESS_IMAGE, image_id=image.pk)
