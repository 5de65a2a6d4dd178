"""Collections, from the reads to what their pages print."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode

from frontend.contexts.components import ModelCard
from frontend.contexts.lists import with_query
from frontend.contexts.model_list import model_card_of
from models_registry.collection_queries import CollectionDetail, collection_list, other_collections
from models_registry.facets import model_count
from models_registry.models.collection import Collection
from models_registry.models.model import Viewer
from models_registry.queries import model_list


@dataclass(frozen=True, slots=True)
class CollectionsContext:
    """`/collections/`."""

    rows: tuple[Collection, ...]
    mine: bool
    next_url: str


@dataclass(frozen=True, slots=True)
class CollectedCard:
    """A model of a collection; its id is what a tick sends."""

    model_id: int
    card: ModelCard


@dataclass(frozen=True, slots=True)
class CollectionContext:
    """`/collections/7/?q=ink`."""

    detail: CollectionDetail
    cards: list[CollectedCard]
    query: str
    total: int
    next_url: str
    others: list[Collection]


def collections_context(*, viewer: Viewer, mine: bool, cursor: str) -> CollectionsContext:
    """One page of the list."""
    page = collection_list(viewer=viewer, mine=mine, cursor=cursor or None)
    given = {"mine": "1"} if mine else {}
    return CollectionsContext(
        rows=page.items,
        mine=mine,
        next_url=_next(reverse("collections"), given, page.next_cursor),
    )


def collection_context(
    *, viewer: Viewer, detail: CollectionDetail, query: str, cursor: str
) -> CollectionContext:
    """One page of cards; the number is what this viewer may see."""
    filters = detail.filters(query=query)
    page = model_list(viewer=viewer, filters=filters, cursor=cursor or None)
    address = reverse("collection", args=[detail.collection.pk])
    return CollectionContext(
        detail=detail,
        cards=[CollectedCard(model.pk, model_card_of(model, viewer)) for model in page.items],
        query=query,
        total=0 if cursor else model_count(viewer=viewer, filters=filters),
        next_url=_next(address, {"q": query} if query else {}, page.next_cursor),
        others=[] if cursor else other_collections(viewer, detail.collection),
    )


def _next(address: str, given: dict[str, str], cursor: str | None) -> str:
    return with_query(address, urlencode({**given, "cursor": cursor})) if cursor else ""
