"""Names of things in addresses, which may be an id or what people call them."""

from uuid import UUID

from django.utils.translation import gettext as _

from hub.core.errors import NotFound

MAX_DIGITS = 18


def uuid_in(text: str) -> UUID | None:
    """The id that the text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def run_key(text: str) -> UUID | int:
    """Id or number of a training run. Raises NotFound for what is neither."""
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text)
    found = uuid_in(text)
    if found is None:
        raise NotFound(_("There is no such training run."))
    return found
