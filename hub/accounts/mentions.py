"""People named in a text with `@name`."""

import re

from hub.accounts.models import User

#: Not within a word, so that addresses of mail name nobody; names as accounts.validators has them.
MENTION = re.compile(r"(?<![\w@/.-])@([\w.-]{1,150})")
MAX_MENTIONS = 20


def mentioned_people(text: str) -> list[User]:
    """Active people whom the text names, at most MAX_MENTIONS; a full stop may follow the name."""
    names = mentioned_names(text)
    people = User.objects.filter(username__in=names, is_active=True)
    return list(people.order_by("pk")[:MAX_MENTIONS])


def mentioned_names(text: str) -> set[str]:
    """Every name that the text may mean: as it is written, and without the dots after it."""
    found = MENTION.findall(text)
    return {*found, *(name.rstrip(".-") for name in found)} - {""}
