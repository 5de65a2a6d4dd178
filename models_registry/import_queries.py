"""Reads of imports by address: a person sees their own."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import NotFound
from models_registry.models.remote_import import RemoteImport

SHOWN = 30


def imports_of(person: User) -> QuerySet[RemoteImport]:
    """The newest imports of a person."""
    return RemoteImport.objects.filter(owner=person).order_by("-created_at", "-pk")[:SHOWN]


def import_of(person: User, import_id: UUID) -> RemoteImport:
    """One of the person's own imports. Raises NotFound."""
    row = RemoteImport.objects.filter(pk=import_id, owner=person).first()
    if row is None:
        raise NotFound(_("There is no such import."))
    return row
