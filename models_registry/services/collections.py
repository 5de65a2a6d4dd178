"""Collections of models: made, renamed, filled, emptied, deleted."""

from collections.abc import Collection as Many

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.accounts.queries import works_in
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from hub.core.visibility import Visibility
from models_registry.models.collection import Collection, CollectionItem
from models_registry.models.model import Model
from models_registry.permissions import can_edit_collection, can_fill_collection
from models_registry.services.columns import check_choice, check_length
from models_registry.services.names import clean_name

MAX_ITEMS = 10_000


def create_collection(
    *,
    actor: User,
    name: str,
    description: str = "",
    visibility: str = Visibility.PRIVATE,
    team: Team | None = None,
) -> Collection:
    """An empty collection; one for a team is filled by all its members."""
    _check_place(actor, visibility, team)
    with transaction.atomic():
        collection = Collection.objects.create(
            owner=actor,
            team=team,
            name=clean_name(name),
            description=check_length(description.strip()),
            visibility=visibility,
        )
        audit.record(actor=actor, action="collection.create", target=collection)
    return collection


def update_collection(
    *,
    actor: User,
    collection: Collection,
    name: str,
    description: str,
    visibility: str,
    team: Team | None,
) -> Collection:
    """Rename a collection or change who sees it."""
    _require_edit(actor, collection)
    if team != collection.team:
        _check_place(actor, visibility, team)
    _check_choice(visibility, team)
    with transaction.atomic():
        collection.name = clean_name(name)
        collection.description = check_length(description.strip())
        collection.visibility, collection.team = visibility, team
        collection.save(update_fields=["name", "description", "visibility", "team", "updated_at"])
        audit.record(
            actor=actor,
            action="collection.update",
            target=collection,
            detail={"visibility": visibility},
        )
    return collection


def delete_collection(*, actor: User, collection: Collection) -> None:
    """Delete the list; the models in it stay."""
    _require_edit(actor, collection)
    with transaction.atomic():
        audit.record(
            actor=actor,
            action="collection.delete",
            target=collection,
            detail={"name": collection.name, "models": _ids(collection)},
        )
        collection.delete()


def collect_model(*, actor: User, collection: Collection, model: Model) -> None:
    """Put a model in; one that is there already stays where it is."""
    collect_models(actor=actor, collection=collection, models=[model])


def collect_models(*, actor: User, collection: Collection, models: Many[Model]) -> int:
    """Put models in, all or none; returns how many were not in yet."""
    _require_fill(actor, collection)
    wanted = {model.pk for model in models}
    if Model.objects.reachable_by(actor).filter(pk__in=wanted).count() != len(wanted):
        raise NotFound(_("There is no such model."))
    with transaction.atomic():
        Collection.objects.select_for_update(of=("self",)).get(pk=collection.pk)
        known = set(collection.items.values_list("model_id", flat=True))
        new = sorted(wanted - known)
        if len(known) + len(new) > MAX_ITEMS:
            raise Conflict(
                _("A collection holds at most %s models. Begin another one.") % MAX_ITEMS,
                code="collection_full",
            )
        CollectionItem.objects.bulk_create(
            CollectionItem(collection=collection, model_id=pk, added_by=actor) for pk in new
        )
        if new:
            _touch(actor, collection, "collection.add", new)
    return len(new)


def uncollect_models(*, actor: User, collection: Collection, model_ids: Many[int]) -> int:
    """Take models out, as many as are in; returns how many were."""
    _require_fill(actor, collection)
    with transaction.atomic():
        items = CollectionItem.objects.filter(collection=collection, model_id__in=model_ids)
        taken = sorted(items.values_list("model_id", flat=True))
        items.delete()
        if taken:
            _touch(actor, collection, "collection.remove", taken)
    return len(taken)


def _touch(actor: User, collection: Collection, action: str, model_ids: list[int]) -> None:
    Collection.objects.filter(pk=collection.pk).update(updated_at=timezone.now())
    audit.record(actor=actor, action=action, target=collection, detail={"models": model_ids})


def _ids(collection: Collection) -> list[int]:
    return sorted(collection.items.values_list("model_id", flat=True))


def _check_place(actor: User, visibility: str, team: Team | None) -> None:
    _check_choice(visibility, team)
    if team is not None and not (works_in(actor, team) or actor.is_superuser):
        raise NotAllowed(_("Only members of %s can share a collection with it.") % team.name)


def _check_choice(visibility: str, team: Team | None) -> None:
    check_choice(visibility, Visibility.values)
    if visibility == Visibility.TEAM and team is None:
        raise Invalid(_("Choose the team that this collection is for."), code="team_missing")


def _require_edit(actor: User, collection: Collection) -> None:
    if not can_edit_collection(actor, collection):
        raise NotAllowed(_("Only the owner of this collection can change it."))


def _require_fill(actor: User, collection: Collection) -> None:
    if not can_fill_collection(actor, collection):
        raise NotAllowed(_("Only the people of this collection can change what is in it."))
