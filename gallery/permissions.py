"""Who may do what to a picture or a post; shared by pages and API.

Seeing is `visible_to`; these predicates are asked about things that are already visible.
"""

from django.contrib.auth.models import AnonymousUser

from gallery.models import Image, Post
from hub.accounts.models import User

Viewer = User | AnonymousUser


def can_edit_image(user: Viewer, image: Image) -> bool:
    """The owner and administrators change and delete a picture."""
    return user.is_authenticated and (user.pk == image.owner_id or user.is_superuser)


def can_edit_post(user: Viewer, post: Post) -> bool:
    """The owner and administrators change and delete a post."""
    return user.is_authenticated and (user.pk == post.owner_id or user.is_superuser)


def can_moderate(user: Viewer) -> bool:
    """Staff hide pictures and correct ratings."""
    return user.is_authenticated and user.is_staff


def can_react(user: Viewer) -> bool:
    """Anyone signed in reacts to what they see."""
    return bool(user.is_authenticated)
