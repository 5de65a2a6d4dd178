"""Drafts of long forms: saved while a person types, gone once the form is sent."""

from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import FormDraft, User
from hub.core.errors import TooLarge

MAX_CHARACTERS = 64_000


def save_draft(*, user: User, form: str, data: Mapping[str, str]) -> FormDraft:
    """Keep what is typed now in place of what was; TooLarge for more than a form can hold."""
    if sum(len(name) + len(value) for name, value in data.items()) > MAX_CHARACTERS:
        raise TooLarge(_("A draft has at most %s characters.") % MAX_CHARACTERS)
    draft, _made = FormDraft.objects.update_or_create(
        user=user, form=form, defaults={"data": dict(data), "saved_at": timezone.now()}
    )
    return draft


def draft_of(user: User, form: str) -> FormDraft | None:
    """The person's draft of this form."""
    return FormDraft.objects.filter(user=user, form=form).first()


def drop_draft(*, user: User, form: str) -> None:
    """Forget the draft; without one, nothing happens."""
    FormDraft.objects.filter(user=user, form=form).delete()
