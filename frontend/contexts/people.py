"""How a person is shown beside what they made."""

from django.urls import reverse

from hub.accounts.models import User
from hub.storage.pictures import picture_url

AVATAR_PIXELS = 96


def avatar_url(user: User) -> str:
    """Address of the small picture of a person, or "" for the letter."""
    if user.avatar_id is None or user.avatar is None:
        return ""
    return picture_url(user.avatar, AVATAR_PIXELS, public=True)


def person_url(username: str) -> str:
    """Address of a person's page."""
    return reverse("person", args=[username])
