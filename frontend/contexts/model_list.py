"""The model list, from the queries to what its template prints."""

from dataclasses import dataclass, field

from django.urls import reverse

from frontend.contexts.components import ModelCard, Picture
from frontend.contexts.lists import Choice, FilterChip, FilterGroup, with_query
from frontend.contexts.model_filters import (
    filter_chips,
    filter_groups,
    list_query,
    scope_choices,
    sort_choices,
)
from frontend.templatetags.words import decimal
from hub.storage.pictures import picture_url
from models_registry.engagement_queries import follows_tag
from models_registry.facets import facet_counts, find
from models_registry.filters import ModelFilters, Sort, search_hits
from models_registry.models.cover import VersionCover
from models_registry.models.model import Model, ModelType, Viewer
from models_registry.models.version import ModelVersion
from models_registry.queries import DEFAULT_LIMIT, model_list

COVER_WIDTHS = (320, 450, 800)
CARD_SIZES = "(max-width: 560px) 50vw, (max-width: 1180px) 33vw, 260px"


@dataclass(frozen=True, slots=True)
class ModelListContext:
    """`/models/`: one page of cards and the state of its filters."""

    cards: list[ModelCard]
    filters: ModelFilters
    next_url: str = ""
    total: int = 0
    is_total_least: bool = False
    is_empty_hub: bool = False
    groups: list[FilterGroup] = field(default_factory=list)
    scopes: list[Choice] = field(default_factory=list)
    sorts: list[Choice] = field(default_factory=list)
    chips: list[FilterChip] = field(default_factory=list)
    manifest_url: str = ""
    aria2_url: str = ""
    zip_url: str = ""
    tag: str = ""
    follows_tag: bool = False


def model_list_context(
    *, viewer: Viewer, filters: ModelFilters, sort: Sort | None, cursor: str
) -> ModelListContext:
    """Cards, and for a first page also filters; a later page needs neither counts nor facets."""
    found = None if cursor else find(viewer, filters)
    page = model_list(
        viewer=viewer,
        filters=filters,
        sort=sort,
        cursor=cursor or None,
        limit=DEFAULT_LIMIT,
        hits=found.hits if found else search_hits(viewer, filters),
    )
    next_url = ""
    if page.next_cursor:
        query = list_query(filters, sort)
        next_url = f"{reverse('models')}?{query}{'&' if query else ''}cursor={page.next_cursor}"
    cards = [model_card_of(model, viewer) for model in page.items]
    if found is None:
        return ModelListContext(cards=cards, filters=filters, next_url=next_url)
    facets = facet_counts(viewer=viewer, filters=filters, found=found)
    plain = filters == ModelFilters(team=filters.team)
    tag = next(iter(filters.tags)) if len(filters.tags) == 1 else ""
    return ModelListContext(
        cards=cards,
        filters=filters,
        next_url=next_url,
        total=facets.total,
        is_total_least=facets.is_total_least,
        is_empty_hub=plain and not facets.total,
        groups=filter_groups(viewer, facets, filters),
        scopes=scope_choices(viewer, filters, sort),
        sorts=sort_choices(filters, sort),
        chips=filter_chips(filters, sort),
        manifest_url=with_query(reverse("models_manifest"), list_query(filters, sort)),
        zip_url=with_query(reverse("models_zip"), list_query(filters, sort)),
        aria2_url=with_query(reverse("models_aria2"), list_query(filters, sort)),
        tag=tag,
        follows_tag=bool(tag) and follows_tag(viewer, tag),
    )


def model_card_of(model: Model, viewer: Viewer) -> ModelCard:
    """One model as a card; `attach_card_facts` was there before."""
    version = model.latest_version
    cover = version.first_cover if version else None
    words = version.trained_words if version else []
    base = version.base_model if version else None
    return ModelCard(
        url=reverse("model", args=[model.slug]),
        title=model.name,
        type_label=str(ModelType(model.type).label),
        base_model=base.name if base else "",
        author_name=model.owner.public_name,
        download_count=model.download_count,
        rating=model.rating,
        trigger_word=words[0] if words else "",
        weight=decimal(version.weight_default) if version else "",
        cover=cover_picture(cover, model, version, alt=model.name) if version and cover else None,
        save_url=reverse("model_save", args=[model.slug]) if viewer.is_authenticated else "",
        is_saved=getattr(model, "is_saved", False),
    )


def cover_picture(
    cover: VersionCover,
    model: Model,
    version: ModelVersion,
    *,
    alt: str,
    sizes: str = CARD_SIZES,
    width: int = 450,
) -> Picture:
    """A cover of a version of a model with renditions for several screens."""
    public = model.shows_everyone(version)
    steps = [step for step in COVER_WIDTHS if step < cover.width] or [COVER_WIDTHS[0]]
    urls = (f"{picture_url(cover.blob, step, public=public)} {step}w" for step in steps)
    return Picture(
        src=picture_url(cover.blob, width, public=public),
        srcset=", ".join(urls),
        sizes=sizes,
        width=cover.width,
        height=cover.height,
        alt=alt,
        placeholder=cover.placeholder,
        average_colour=cover.average_colour,
    )
