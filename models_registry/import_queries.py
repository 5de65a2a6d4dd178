"""Reads of imports by address: a person sees their own."""

from django.db.models import QuerySet

from hub.accounts.models import User
from models_registry.models.remote_import import RemoteImport

SHOWN = 30


def imports_of(person: User) -> QuerySet[RemoteImport]:
    """The newest imports of a person."""
    return RemoteImport.objects.filter(owner=person).order_by("-created_at", "-pk")[:SHOWN]
