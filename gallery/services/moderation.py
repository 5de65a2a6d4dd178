"""Changes to a picture after it was posted: rating, hiding, visibility, taking it away."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from gallery.models import Image, Post
from gallery.models.image import NsfwLevel
from gallery.permissions import can_edit_image, can_edit_post, can_moderate
from gallery.services.resources import follow_count, is_counted, replace_resources
from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotAllowed
from hub.core.visibility import Visibility


def set_rating(*, actor: User, image: Image, level: int) -> Image:
    """Say how much a picture shows; owner and staff may."""
    if not (can_edit_image(actor, image) or can_moderate(actor)):
        raise NotAllowed(_("Only the owner of this picture and moderators can change its rating."))
    if level not in NsfwLevel.values:
        raise Invalid(_("This rating is not known. Choose one of the list."))
    with transaction.atomic():
        image.nsfw_level = level
        image.save(update_fields=["nsfw_level", "updated_at"])
        audit.record(actor=actor, action="image.rate", target=image, detail={"level": level})
    return image


def hide_image(*, actor: User, image: Image, now: datetime, reason: str = "") -> Image:
    """Show a picture to its owner and administrators only."""
    _require_moderator(actor)
    with transaction.atomic():
        was_counted = _locked(image)
        image.hidden_at = now
        image.save(update_fields=["hidden_at", "updated_at"])
        follow_count(image=image, was_counted=was_counted)
        audit.record(actor=actor, action="image.hide", target=image, detail={"reason": reason})
    return image


def show_image(*, actor: User, image: Image) -> Image:
    """Undo `hide_image`."""
    _require_moderator(actor)
    with transaction.atomic():
        was_counted = _locked(image)
        image.hidden_at = None
        image.save(update_fields=["hidden_at", "updated_at"])
        follow_count(image=image, was_counted=was_counted)
        audit.record(actor=actor, action="image.show", target=image)
    return image


def set_post_visibility(*, actor: User, post: Post, visibility: str) -> Post:
    """Share a post and all its pictures with everyone, the team or nobody."""
    if not can_edit_post(actor, post):
        raise NotAllowed(_("Only the owner of this post can change who sees it."))
    if visibility not in Visibility.values:
        raise Invalid(_("This choice is not known. Choose one of the list."))
    if visibility == Visibility.TEAM and post.team_id is None:
        raise Invalid(_("This post belongs to no team. Share it with everyone or keep it to you."))
    with transaction.atomic():
        post.visibility = visibility
        post.save(update_fields=["visibility", "updated_at"])
        for image in post.images.select_for_update().order_by("pk"):
            was_counted = is_counted(image)
            image.visibility = visibility
            image.save(update_fields=["visibility", "updated_at"])
            follow_count(image=image, was_counted=was_counted)
        audit.record(
            actor=actor, action="post.share", target=post, detail={"visibility": visibility}
        )
    return post


def delete_image(*, actor: User, image: Image) -> None:
    """Take a picture away, and its post with the last one; the blob is left to the collector."""
    if not can_edit_image(actor, image):
        raise NotAllowed(_("Only the owner of this picture can delete it."))
    with transaction.atomic():
        post = Post.objects.select_for_update().get(pk=image.post_id)
        audit.record(
            actor=actor, action="image.delete", target=image, detail={"filename": image.filename}
        )
        replace_resources(image=image, rows=[])
        image.delete()
        post.image_count = post.images.count()
        if post.image_count:
            post.save(update_fields=["image_count", "updated_at"])
        else:
            post.delete()


def _locked(image: Image) -> bool:
    """Lock the row; whether its models count the picture as it is now."""
    return is_counted(Image.objects.select_for_update(of=("self",)).get(pk=image.pk))


def _require_moderator(actor: User) -> None:
    if not can_moderate(actor):
        raise NotAllowed(_("Only moderators can hide pictures."))
