"""One model's page, from the queries to what its template prints."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import FileRow, ImageCard, Label, Picture
from frontend.contexts.images import image_card_of
from frontend.contexts.model_list import cover_picture
from frontend.templatetags.words import decimal
from gallery.queries import images_of_version
from hub.storage.blobs import blob_exists
from models_registry.models.file import FileKind, ModelFile, ScanStatus
from models_registry.models.file_hash import HashKind
from models_registry.models.model import PUBLIC_STATES, Model, ModelType, Viewer
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_review, can_take_unverified
from models_registry.queries import ModelDetail, reviews_of
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
SCAN_LABELS = {
    ScanStatus.PENDING: ("warn", "loader-circle"),
    ScanStatus.SUCCESS: ("ok", "badge-check"),
    ScanStatus.DANGER: ("danger", "shield-alert"),
    ScanStatus.ERROR: ("warn", "shield-x"),
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
class Fact:
    """One row of the details list."""

    label: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ExampleCard:
    """One example prompt with the text that its copy button gives."""

    prompt: str
    negative: str
    facts: str
    text: str
    note: str
    picture: Picture | None


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
    band: WeightBand | None
    prompt_tag: str
    tag_template: str
    files: list[FileRow]
    download: FileRow | None
    facts: list[Fact]
    examples: list[ExampleCard]
    images: list[ImageCard]
    reviews: list[object]
    missing: list[Missing]
    is_checking: bool
    can_review: bool


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
        mosaic=[
            cover_picture(cover, model, alt=_alt(model, at), sizes=MOSAIC_SIZES, width=800)
            for at, cover in enumerate(covers[:MOSAIC], 1)
        ],
        more_pictures=max(0, len(covers) - MOSAIC),
        words=version.trained_words if version else [],
        band=band,
        prompt_tag=template.replace("{weight}", band.value if band else "1"),
        tag_template=template,
        files=files,
        download=next((row for row in files if row.download_url), None),
        facts=list(_facts(version)) if version else [],
        examples=_examples(model, version),
        images=_images(viewer, version),
        reviews=list(reviews_of(viewer=viewer, model=model).items),
        missing=missing_for_publish(version)
        if version is not None and _is_own_draft(detail, version)
        else [],
        is_checking=version is not None and _is_being_checked(detail, version),
        can_review=version is not None and _is_public(version) and can_review(viewer, version),
    )


def file_row(file: ModelFile, viewer: Viewer) -> FileRow:
    """One file with its verdict; without a link when this person may not have it."""
    kind, symbol = SCAN_LABELS[ScanStatus(file.scan_status)]
    labels = [Label(file.get_scan_status_display(), kind, symbol), Label(file.get_format_display())]
    if file.kind != FileKind.MODEL:
        labels.append(Label(file.get_kind_display()))
    present = blob_exists(file.blob)
    if not present:
        labels.append(Label(_("File missing"), "danger", "file-x"))
    allowed = present and (file.is_clean or can_take_unverified(viewer, file))
    hashes = {row.kind: row.value for row in file.hashes.all()}
    query = f"?fileId={file.pk}"
    link = reverse("civitai-download", args=[file.version_id]) + query if allowed else ""
    return FileRow(
        name=download_name(file),
        size_bytes=file.size_bytes,
        labels=tuple(labels),
        facts=" · ".join(filter(None, [file.precision, file.size_kind])),
        download_url=link,
        hash_kind="SHA256" if HashKind.SHA256 in hashes else "",
        hash_value=hashes.get(HashKind.SHA256, ""),
    )


def _facts(version: ModelVersion) -> Iterable[Fact]:
    yield Fact(_("Type"), version.model.get_type_display())
    if version.base_model:
        yield Fact(_("Base model"), version.base_model.name, version.base_model.licence_url)
    for label, value in (
        (_("Network dim"), version.network_dim),
        (_("Network alpha"), decimal(version.network_alpha) if version.network_alpha else None),
        (_("Clip skip"), version.clip_skip),
        (_("Sampler"), version.sampler),
        (_("Steps"), version.steps),
        (_("CFG scale"), decimal(version.cfg_scale) if version.cfg_scale else None),
        (_("Epochs"), version.epochs),
        (_("Training steps"), version.training_steps),
    ):
        if value:
            yield Fact(label, str(value))
    if version.width and version.height:
        yield Fact(_("Size"), f"{version.width} × {version.height}")
    yield from _provenance(version)


def _provenance(version: ModelVersion) -> Iterable[Fact]:
    if version.job_uuid:
        yield Fact(_("Training run"), _("See how it was trained"), _run_url(version))
    if version.snapshot_hash:
        yield Fact(_("Dataset snapshot"), version.snapshot_hash[:12])
    base = version.base_version
    if base:
        yield Fact(_("Trained on"), base.model.name, reverse("model", args=[base.model.slug]))
    if version.base_model and version.base_model.licence_name:
        licence = version.base_model
        yield Fact(_("Base licence"), licence.licence_name, licence.licence_url)


def _run_url(version: ModelVersion) -> str:
    try:
        return reverse("run_by_id", args=[version.job_uuid])
    except NoReverseMatch:
        return ""


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


def _examples(model: Model, version: ModelVersion | None) -> list[ExampleCard]:
    cards = []
    for row in version.example_prompts.all() if version else []:
        pairs = [
            ("Steps", row.steps),
            ("Sampler", row.sampler),
            ("CFG scale", decimal(row.cfg_scale) if row.cfg_scale else None),
            ("Seed", row.seed),
        ]
        facts = ", ".join(f"{name}: {value}" for name, value in pairs if value not in (None, ""))
        negative = f"\nNegative prompt: {row.negative}" if row.negative else ""
        text = (row.cover.generation_text if row.cover else "") or (
            f"{row.prompt}{negative}" + (f"\n{facts}" if facts else "")
        )
        picture = (
            cover_picture(row.cover, model, alt=_("Result of this prompt")) if row.cover else None
        )
        cards.append(ExampleCard(row.prompt, row.negative, facts, text, row.note, picture))
    return cards


def _images(viewer: Viewer, version: ModelVersion | None) -> list[ImageCard]:
    if version is None:
        return []
    return [image_card_of(image) for image in images_of_version(viewer, version)[:IMAGES_SHOWN]]


def _alt(model: Model, number: int) -> str:
    return _("%(name)s, example %(number)d") % {"name": model.name, "number": number}


def _is_being_checked(detail: ModelDetail, version: ModelVersion) -> bool:
    pending = any(file.scan_status == ScanStatus.PENDING for file in version.files.all())
    return pending and _is_own_draft(detail, version)


def _is_public(version: ModelVersion | None) -> bool:
    return version is not None and version.status in PUBLIC_STATES


def _is_own_draft(detail: ModelDetail, version: ModelVersion) -> bool:
    return detail.can_edit and not _is_public(version)
