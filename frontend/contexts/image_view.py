"""The viewer: one picture, its generation data line by line, and the way to the next one."""

from collections.abc import Iterable
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from frontend.contexts.images import (
    Fact,
    ImageViewContext,
    ReactionButton,
    ResourceRow,
    alt_of,
    avatar_url,
    list_query,
    list_url,
    picture_of,
)
from frontend.contexts.lists import Choice, with_query
from frontend.templatetags.words import decimal
from gallery.models import Generation, Image, ImageResource
from gallery.models.reaction import ReactionKind
from gallery.models.resource import Match, ResourceKind
from gallery.permissions import can_edit_image, can_moderate
from gallery.queries import ImageFilters, ImageSort, known_versions, neighbours, reactions_of
from gallery.services.generation_data import generation_text_of
from hub.core.visibility import Visibility
from hub.storage.pictures import picture_url
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion

VIEWER_WIDTH = 800
# Two are offered; the others come in through the API of clients that know them.
ICONS = {ReactionKind.LIKE: "thumbs-up", ReactionKind.HEART: "heart"}
PROMPT_WORDS = {ResourceKind.LORA: "lora", ResourceKind.HYPERNETWORK: "hypernet"}


def image_view_context(
    *, viewer: Viewer, image: Image, filters: ImageFilters, sort: ImageSort
) -> ImageViewContext:
    """Everything the viewer prints of one picture; `filters` are those of the list it came from."""
    generation: Generation | None = getattr(image, "generation", None)
    around = neighbours(viewer=viewer, filters=filters, sort=sort, image=image)
    query = list_query(filters, sort)
    public = image.is_for_everyone
    editable = can_edit_image(viewer, image)
    return ImageViewContext(
        image=image,
        picture=picture_of(image, VIEWER_WIDTH, sizes="(max-width: 820px) 100vw, 70vw", whole=True),
        original_url=picture_url(image.blob, public=public),
        title=alt_of(image),
        avatar_url=avatar_url(image.owner),
        facts=_facts(image, generation),
        resources=_resources(viewer, image.resources.all()),
        prompt=generation.prompt if generation else "",
        negative_prompt=generation.negative_prompt if generation else "",
        generation_text=generation_text_of(image),
        source=generation.source if generation else "",
        previous_url=_url(around.previous_id, query),
        next_url=_url(around.next_id, query),
        list_url=list_url(filters, sort),
        query=query,
        reactions=reaction_buttons(viewer, image),
        visibilities=_visibilities(image) if editable else [],
        can_edit=editable,
        can_moderate=can_moderate(viewer),
    )


def reaction_buttons(viewer: Viewer, image: Image) -> list[ReactionButton]:
    """The reactions that the page offers, in their order."""
    mine = reactions_of(viewer, image)
    return [
        ReactionButton(
            kind=kind.value,
            label=str(kind.label),
            symbol=symbol,
            count=getattr(image, f"{kind.value}_count"),
            is_mine=kind.value in mine,
        )
        for kind, symbol in ICONS.items()
    ]


def _url(image_id: int | None, query: str) -> str:
    return with_query(reverse("image", args=[image_id]), query) if image_id else ""


def _facts(image: Image, generation: Generation | None) -> list[Fact]:
    size = f"{image.width} × {image.height}"
    if generation is None:
        return [Fact(_("Size"), size, f"{image.width}x{image.height}")]
    pairs: list[tuple[str, object]] = [
        (_("Sampler"), generation.sampler),
        (_("Schedule"), generation.data.get("schedule_type")),
        (pgettext("generation data", "Steps"), generation.steps),
        (_("CFG"), generation.cfg_scale),
        (_("Seed"), generation.seed),
        (_("Clip skip"), generation.clip_skip),
        (_("Denoising"), generation.denoising_strength),
    ]
    facts = [Fact(label, shown, shown) for label, value in pairs if (shown := _plain(value))]
    made = size
    if generation.width and (generation.width, generation.height) != (image.width, image.height):
        made = _("%(asked)s, shown at %(shown)s") % {
            "asked": f"{generation.width} × {generation.height}",
            "shown": size,
        }
    copied = f"{generation.width or image.width}x{generation.height or image.height}"
    return [*facts, Fact(_("Size"), made, copied)]


def _plain(value: object) -> str:
    if value is None or value == "":
        return ""
    return decimal(value) if isinstance(value, float) else str(value)


def _resources(viewer: Viewer, resources: Iterable[ImageResource]) -> list[ResourceRow]:
    rows = list(resources)
    ids = {row.version_id for row in rows if row.version_id is not None}
    versions = known_versions(viewer, ids)
    shown = [row for row in rows if row.match != Match.GIVEN or row.version_id in versions]
    return [_resource(row, versions.get(row.version_id or 0)) for row in shown]


def _resource(row: ImageResource, version: ModelVersion | None) -> ResourceRow:
    weight = _weight(row.weight)
    word = PROMPT_WORDS.get(ResourceKind(row.kind))
    note = ""
    if version is None:
        ambiguous = row.match == Match.AMBIGUOUS
        note = _("Several models fit") if ambiguous else _("Not on this hub")
    elif row.match == Match.NAME:
        note = _("Same name, another file") if row.hash else _("Same name")
    return ResourceRow(
        name=version.model.name if version else row.name or row.hash[:12],
        kind=row.get_kind_display(),
        weight=weight,
        hash=row.hash[:12],
        url=f"{reverse('model', args=[version.model.slug])}?v={version.index}" if version else "",
        version_name=version.name if version else "",
        prompt_tag=f"<{word}:{row.name}:{weight or 1}>" if word and row.name else "",
        note=note,
    )


def _weight(weight: Decimal | None) -> str:
    return decimal(weight) if weight is not None else ""


def _visibilities(image: Image) -> list[Choice]:
    return [
        Choice(value, str(label), value == image.visibility)
        for value, label in Visibility.choices
        if value != Visibility.TEAM or image.post.team_id is not None
    ]
