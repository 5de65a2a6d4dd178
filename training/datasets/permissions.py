"""Who may do what with a dataset; shared by pages, API and services."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.accounts.permissions import can_manage_team
from hub.accounts.queries import is_member, works_in
from hub.core.errors import NotAllowed, NotFound
from hub.core.visibility import Visibility
from training.datasets.models.dataset import Dataset


def can_see_dataset(user: User | AnonymousUser, dataset: Dataset) -> bool:
    """The owner, the team where shared, everyone where public, administrators."""
    if not user.is_authenticated or dataset.deleted_at is not None:
        return False
    if user.is_superuser or dataset.owner_id == user.pk:
        return True
    if dataset.visibility == Visibility.PUBLIC:
        return True
    return dataset.visibility == Visibility.TEAM and is_member(user, dataset.team)


def can_edit_dataset(user: User | AnonymousUser, dataset: Dataset) -> bool:
    """The owner, those who work in the team where it is shared, administrators."""
    if not can_see_dataset(user, dataset):
        return False
    if getattr(user, "is_superuser", False) or dataset.owner_id == user.pk:
        return True
    return dataset.visibility != Visibility.PRIVATE and works_in(user, dataset.team)


def can_delete_dataset(user: User | AnonymousUser, dataset: Dataset) -> bool:
    """The owner, managers of the team, administrators."""
    return can_see_dataset(user, dataset) and (
        dataset.owner_id == user.pk or can_manage_team(user, dataset.team)
    )


def require_edit(user: User, dataset: Dataset) -> None:
    """Raise NotFound when the dataset is not visible, NotAllowed when it may not be changed."""
    if not can_see_dataset(user, dataset):
        raise NotFound(_("There is no such dataset."))
    if not can_edit_dataset(user, dataset):
        raise NotAllowed(_("Only members of the team can change this dataset; viewers look at it."))
