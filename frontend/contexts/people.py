"""How a person is shown beside what they made."""

from django.urls import reverse
from django.utils.http import urlencode

from hub.accounts.models import User
from hub.storage.pictures import picture_url

AVATAR_PIXELS = 96


def avatar_url(user: User) -> str:
    """Address of the small picture of a person, or "" for the letter."""
    if user.avatar_id is None or user.avatar is None:
        return ""
    return picture_url(user.avatar, AVATAR_PIXELS, public=True)


def models_by(username: str) -> str:
    """Address of what a person published."""
    return f"{reverse('models')}?{urlencode({'by': username})}"
