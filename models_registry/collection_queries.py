"""Reads of collections: lists, one of them, and where a model is kept."""

from collections.abc import Collection as Many
from dataclasses import dataclass, replace

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from hub.accounts.kept_queries import RowsForViewer
from hub.core.errors import NotFound
from hub.core.pagination import Page, keyset
from models_registry.filters import ModelFilters, Scope, filtered
from models_registry.models.collection import Collection, CollectionItem
from models_registry.models.model import Model, Viewer
from models_registry.permissions import can_edit_collection, can_fill_collection

LIMIT = 24
CHOICES = 100


@dataclass(frozen=True, slots=True)
class CollectionDetail:
    """One collection and what this viewer may do with it."""

    collection: Collection
    can_edit: bool
    can_fill: bool

    def filters(self, *, query: str = "") -> ModelFilters:
        """The models in it that this viewer may see; its own people also meet unlisted ones."""
        return ModelFilters(
            query=query,
            scope=Scope.EVERYONE,
            collection_id=self.collection.pk,
            with_unlisted=self.can_fill,
        )


def collection_list(
    *,
    viewer: Viewer,
    mine: bool = False,
    query: str = "",
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Collection]:
    """Collections, last changed first, with owner and `model_count` as this viewer sees it."""
    rows = Collection.objects.editable_by(viewer) if mine else Collection.objects.visible_to(viewer)
    if query:
        rows = rows.filter(name__icontains=query)
    counted = rows.annotate(model_count=_count_for(viewer)).select_related("owner__avatar", "team")
    return keyset(counted, order=("-updated_at", "-id"), cursor=cursor, limit=limit)


def collection_detail(*, viewer: Viewer, collection_id: int) -> CollectionDetail:
    """One collection; NotFound when it is not visible."""
    collection = (
        Collection.objects.visible_to(viewer)
        .select_related("owner__avatar", "team")
        .filter(pk=collection_id)
        .first()
    )
    if collection is None:
        raise NotFound(_("There is no such collection."))
    return CollectionDetail(
        collection=collection,
        can_edit=can_edit_collection(viewer, collection),
        can_fill=can_fill_collection(viewer, collection),
    )


def models_inside(viewer: Viewer, detail: CollectionDetail, ids: Many[int]) -> list[Model]:
    """Those of the models that are in the collection and that the viewer may see."""
    rows = filtered(viewer, replace(detail.filters(), ids=tuple(ids))) if ids else ()
    return list(rows)


def other_collections(viewer: Viewer, collection: Collection) -> list[Collection]:
    """Where else the viewer may put models, by name."""
    rows = Collection.objects.editable_by(viewer).exclude(pk=collection.pk)
    return list(rows.order_by("name", "pk")[:CHOICES])


def collections_for(viewer: Viewer, model: Model) -> list[Collection]:
    """Collections that the viewer may fill, by name, with `holds_it`: whether the model is in."""
    return _holding(viewer, model.pk)


def _count_for(viewer: Viewer) -> Coalesce:
    """How many of the models a viewer may see: a count must not tell of hidden ones."""
    seen: QuerySet[CollectionItem] = CollectionItem.objects.filter(
        Q(model__in=Model.objects.listed_for(viewer).values("pk")), collection_id=OuterRef("pk")
    )
    counts = seen.order_by().values("collection_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counts), 0)


def _fillable(viewer: Viewer, model_id: int) -> QuerySet[Collection]:
    held = CollectionItem.objects.filter(collection_id=OuterRef("pk"), model_id=model_id)
    rows = Collection.objects.editable_by(viewer).annotate(holds_it=Exists(held))
    return rows.order_by("name", "pk")[:CHOICES]


_holding = RowsForViewer(_fillable)
