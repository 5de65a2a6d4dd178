"""One model's page, from the queries to what its template prints."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from frontend.contexts.comments import CommentsContext, comments_context
from frontend.contexts.comparison import ComparisonList, comparison_list
from frontend.contexts.comparison_form import can_compare
from frontend.contexts.components import FileRow, ImageCard, Picture
from frontend.contexts.file_verdict import is_busy, state_of
from frontend.contexts.images import image_card_of
from frontend.contexts.model_actions import ModelActions, model_actions
from frontend.contexts.model_advice import (
    ExampleCard,
    ResourceRow,
    WordSetRow,
    example_cards,
    resource_rows,
    word_set_rows,
)
from frontend.contexts.model_facts import Fact, Term, facts_of, terms_of
from frontend.contexts.model_files import file_row
from frontend.contexts.model_list import cover_picture
from frontend.contexts.model_reviews import ReviewsContext, reviews_context
from frontend.ratings import rating_of
from frontend.templatetags.words import decimal
from gallery.queries import images_of_version
from models_registry.install_paths import InstallPath, install_paths
from models_registry.models.cover import VersionCover
from models_registry.models.model import PUBLIC_STATES, Model, ModelType, Viewer
from models_registry.models.review import Review
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_review
from models_registry.queries import ModelDetail, review_by
from models_registry.services.download import download_name
from models_registry.services.publish import Missing, missing_for_publish

MOSAIC = 5
IMAGES_SHOWN = 12
RANGE_TOP = 1.5
MOSAIC_SIZES = "(max-width: 1060px) 60vw, 560px"
PROMPT_TAGS = {
    ModelType.LORA: "<lora:{name}:{{weight}}>",
    ModelType.LOCON: "<lora:{name}:{{weight}}>",
    ModelType.DORA: "<lora:{name}:{{weight}}>",
    ModelType.HYPERNETWORK: "<hypernet:{name}:{{weight}}>",
    ModelType.TEXTUAL_INVERSION: "({name}:{{weight}})",
}


@dataclass(frozen=True, slots=True)
class WeightBand:
    """The weight slider: percentages place the recommended band on a track from 0 to `top`."""

    value: str
    minimum: str
    maximum: str
    top: float
    low_percent: float
    width_percent: float


@dataclass(frozen=True, slots=True)
class ModelViewContext:
    """`/models/<slug>/?v=3`."""

    model: Model
    version: ModelVersion | None
    versions: tuple[ModelVersion, ...]
    detail: ModelDetail
    mosaic: list[Picture]
    more_pictures: int
    words: list[str]
    word_sets: list[WordSetRow]
    band: WeightBand | None
    prompt_tag: str
    tag_template: str
    files: list[FileRow]
    download: FileRow | None
    facts: list[Fact]
    terms: list[Term]
    examples: list[ExampleCard]
    resources: list[ResourceRow]
    images: list[ImageCard]
    reviews: ReviewsContext
    own_review: Review | None
    missing: list[Missing]
    progress: str
    can_review: bool
    rating: str
    installs: tuple[InstallPath, ...]
    talk: CommentsContext
    compared: ComparisonList
    can_compare: bool
    actions: ModelActions


def model_view_context(
    *, viewer: Viewer, detail: ModelDetail, index: int | None
) -> ModelViewContext:
    """Everything the page prints; a constant number of queries."""
    model, version = detail.model, detail.version(index)
    covers = list(version.covers.all()) if version else []
    files = [file_row(file, viewer) for file in version.files.all()] if version else []
    template = _tag_template(model, version)
    band = _band(version)
    return ModelViewContext(
        model=model,
        version=version,
        versions=detail.versions,
        detail=detail,
        mosaic=_mosaic(model, version, covers[:MOSAIC]) if version else [],
        more_pictures=max(0, len(covers) - MOSAIC),
        words=version.trained_words if version else [],
        word_sets=word_set_rows(version) if version else [],
        band=band,
        prompt_tag=template.replace("{weight}", band.value if band else "1"),
        tag_template=template,
        files=files,
        download=next((row for row in files if row.download_url), None),
        facts=list(facts_of(version)) if version else [],
        terms=terms_of(model),
        examples=example_cards(model, version) if version else [],
        resources=resource_rows(version) if version else [],
        images=_images(viewer, version),
        reviews=reviews_context(viewer=viewer, model=model),
        own_review=review_by(viewer, version) if version else None,
        missing=missing_for_publish(version)
        if version is not None and _is_own_draft(detail, version)
        else [],
        progress=progress_of(detail, version),
        can_review=version is not None and _is_public(version) and can_review(viewer, version),
        rating=rating_of(model),
        installs=install_paths(model.type),
        talk=comments_context(viewer=viewer, subject=model),
        compared=comparison_list(viewer, version, all_of_them=False)
        if version
        else ComparisonList([], 0),
        can_compare=can_compare(viewer, version),
        actions=model_actions(viewer=viewer, detail=detail, index=index),
    )


def _band(version: ModelVersion | None) -> WeightBand | None:
    if version is None or version.weight_default is None:
        return None
    default = float(version.weight_default)
    low = float(version.weight_min) if version.weight_min is not None else default
    high = float(version.weight_max) if version.weight_max is not None else default
    top = max(RANGE_TOP, high)
    return WeightBand(
        value=decimal(default),
        minimum=decimal(low),
        maximum=decimal(high),
        top=top,
        low_percent=round(100 * max(low, 0) / top, 1),
        width_percent=round(100 * (max(high, 0) - max(low, 0)) / top, 1),
    )


def _tag_template(model: Model, version: ModelVersion | None) -> str:
    shape = PROMPT_TAGS.get(ModelType(model.type))
    if version is None or shape is None:
        return ""
    primary = next((file for file in version.files.all() if file.is_primary), None)
    if primary is None:
        return ""
    return shape.format(name=download_name(primary).rpartition(".")[0])


def _mosaic(model: Model, version: ModelVersion, covers: list[VersionCover]) -> list[Picture]:
    return [
        cover_picture(cover, model, version, alt=_alt(model, at), sizes=MOSAIC_SIZES, width=800)
        for at, cover in enumerate(covers, 1)
    ]


def _images(viewer: Viewer, version: ModelVersion | None) -> list[ImageCard]:
    if version is None:
        return []
    return [
        image_card_of(image) for image in images_of_version(viewer, version, limit=IMAGES_SHOWN)
    ]


def _alt(model: Model, number: int) -> str:
    return _("%(name)s, example %(number)d") % {"name": model.name, "number": number}


def progress_of(detail: ModelDetail, version: ModelVersion | None) -> str:
    """How far the hub is with the files, for their people; empty when it is done with them."""
    files = list(version.files.all()) if version else []
    if not detail.can_edit or not any(map(is_busy, files)):
        return ""
    return " ".join(map(state_of, files))


def _is_public(version: ModelVersion | None) -> bool:
    return version is not None and version.status in PUBLIC_STATES


def _is_own_draft(detail: ModelDetail, version: ModelVersion) -> bool:
    return detail.can_edit and not _is_public(version) and not version.is_tombstone
