"""Tying pictures to the models of this hub: by file hash, then by file name."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from gallery.models import Image, ImageResource
from gallery.models.resource import Match, ResourceKind
from gallery.services.generation_data import generation_data_of
from gallery.services.references import MIN_HASH, Reference, references_of
from hub.accounts.models import User
from hub.core.visibility import Visibility
from hub.formats.generation.values import file_stem
from models_registry.hash_lookup import match_hash
from models_registry.models.file import ModelFile
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model, ModelType
from models_registry.models.version import ModelVersion
from models_registry.services.counters import change_image_count, set_image_count

TYPES_OF_KIND: dict[ResourceKind, tuple[ModelType, ...]] = {
    ResourceKind.CHECKPOINT: (ModelType.CHECKPOINT,),
    ResourceKind.LORA: (ModelType.LORA, ModelType.LOCON, ModelType.DORA),
    ResourceKind.EMBEDDING: (ModelType.TEXTUAL_INVERSION,),
    ResourceKind.HYPERNETWORK: (ModelType.HYPERNETWORK,),
    ResourceKind.VAE: (ModelType.VAE,),
    ResourceKind.CONTROLNET: (ModelType.CONTROLNET,),
    ResourceKind.UPSCALER: (ModelType.UPSCALER,),
}
KIND_OF_TYPE = {kind: name for name, kinds in TYPES_OF_KIND.items() for kind in kinds}
BIGGEST_WEIGHT = 1000


@dataclass(frozen=True)
class Found:
    """A version that fits a reference, or why there is none."""

    version: ModelVersion | None
    match: Match


def link_resources(*, image: Image) -> list[ImageResource]:
    """Write the picture's "made with" rows anew from its data; twice is the same as once.

    What is on this hub is looked for among the models that the owner of the picture may see.
    """
    data = generation_data_of(image)
    given = image.post.model_version
    rows: list[ImageResource] = []
    for reference in references_of(data) if data is not None else ():
        found = find_version(reference, viewer=image.owner, hint=given)
        rows.append(_row(reference, found))
    if given is not None:
        rows.append(given_row(given))
    return replace_resources(image=image, rows=_each_version_once(rows))


def given_row(version: ModelVersion) -> ImageResource:
    """The row of a version that the person named who posted the picture."""
    return ImageResource(
        kind=KIND_OF_TYPE.get(ModelType(version.model.type), ResourceKind.OTHER),
        name=version.model.name[:255],
        version=version,
        match=Match.GIVEN,
    )


def replace_resources(*, image: Image, rows: Sequence[ImageResource]) -> list[ImageResource]:
    """Put `rows` in the place of the picture's resources; counts and base model follow."""
    with transaction.atomic():
        current = Image.objects.select_for_update(of=("self",)).get(pk=image.pk)
        before = set(_model_ids(image))
        image.resources.all().delete()
        for position, row in enumerate(rows):
            row.image, row.position = image, position
        made = ImageResource.objects.bulk_create(rows)
        after = set(_model_ids(image))
        for model_id in sorted(before ^ after) if is_counted(current) else ():
            change_image_count(model_id=model_id, by=1 if model_id in after else -1)
        image.base_model_id = _base_model_id(made)
        image.save(update_fields=["base_model", "updated_at"])
    return made


def is_counted(image: Image) -> bool:
    """Whether its models count a picture: only one that everyone may see, for all see the count."""
    return image.visibility == Visibility.PUBLIC and image.hidden_at is None


def follow_count(*, image: Image, was_counted: bool) -> None:
    """Bring the counts of a picture's models up to date; needs the change's transaction."""
    if was_counted == is_counted(image):
        return
    for model_id in sorted(_model_ids(image)):
        change_image_count(model_id=model_id, by=-1 if was_counted else 1)


def repair_image_count(*, model_id: int) -> bool:
    """Count the pictures of a model anew; returns whether the number was wrong."""
    seen = Image.objects.filter(visibility=Visibility.PUBLIC, hidden_at=None)
    tied = seen.filter(resources__version__model_id=model_id)
    with transaction.atomic():
        Model.objects.select_for_update().only("pk").get(pk=model_id)
        return set_image_count(model_id=model_id, count=tied.distinct().count())


def find_version(reference: Reference, *, viewer: User, hint: ModelVersion | None = None) -> Found:
    """The version a reference means: the same file, else one of the same name.

    `hint` decides where several fit; without it they are reported as ambiguous, not guessed.
    """
    found = _by_hash(reference, viewer, hint) or _by_file_name(reference, viewer, hint)
    return found or Found(None, Match.NONE)


def link_version(*, version_id: int) -> int:
    """Look again at pictures that name this version's files but are not tied; returns how many."""
    hashes = ModelFileHash.objects.filter(file__version_id=version_id).values_list(
        "value", flat=True
    )
    prefixes = {value[:n] for value in hashes for n in range(MIN_HASH, len(value) + 1)}
    files = ModelFile.objects.filter(version_id=version_id).values_list("name", "override_name")
    stems = {file_stem(name) for pair in files for name in pair if name}
    named = Q()
    for stem in stems:
        named |= Q(name__iexact=stem)
    waiting = ImageResource.objects.filter(version=None).filter(Q(hash__in=prefixes) | named)
    image_ids = sorted(set(waiting.values_list("image_id", flat=True)))
    for image_id in image_ids:
        image = (
            Image.objects.select_related("owner", "post__model_version__model", "generation")
            .filter(pk=image_id)
            .first()
        )
        if image is not None:
            link_resources(image=image)
    return len(image_ids)


def _by_hash(reference: Reference, viewer: User, hint: ModelVersion | None) -> Found | None:
    if len(reference.hash) < MIN_HASH:
        return None
    matched = match_hash(viewer=viewer, text=reference.hash)
    fitting = _fitting(matched.versions, TYPES_OF_KIND.get(reference.kind, ()))
    if not fitting:
        return None
    if hint in fitting:
        return Found(hint, Match.HASH)
    # One content under several versions is no doubt: the earliest publication is meant.
    return Found(None, Match.AMBIGUOUS) if matched.is_ambiguous else Found(fitting[0], Match.HASH)


def _by_file_name(reference: Reference, viewer: User, hint: ModelVersion | None) -> Found | None:
    if not reference.name:
        return None
    versions = _versions_with_file(
        viewer, file_stem(reference.name), TYPES_OF_KIND.get(reference.kind, ())
    )
    if not versions:
        return None
    if hint in versions:
        return Found(hint, Match.NAME)
    return Found(versions[0], Match.NAME) if len(versions) == 1 else Found(None, Match.AMBIGUOUS)


def _versions_with_file(
    viewer: User, stem: str, types: tuple[ModelType, ...]
) -> list[ModelVersion]:
    visible = ModelVersion.objects.visible_to(viewer).filter(model__type__in=types)
    files = ModelFile.objects.filter(version__in=visible).filter(
        Q(name__istartswith=stem) | Q(override_name__istartswith=stem)
    )
    wanted = stem.casefold()
    same = {
        file.version_id: file.version
        for file in files.select_related("version__model", "version__base_model")
        if wanted in (file_stem(file.name).casefold(), file_stem(file.override_name).casefold())
    }
    return list(same.values())


def _fitting(
    versions: Sequence[ModelVersion], types: tuple[ModelType, ...]
) -> Sequence[ModelVersion]:
    """Those of the right type; a hash alone decides when none is, since labels may be wrong."""
    return [version for version in versions if version.model.type in types] or versions


def _row(reference: Reference, found: Found) -> ImageResource:
    weight = reference.weight
    if weight is not None and abs(weight) >= BIGGEST_WEIGHT:
        weight = None
    return ImageResource(
        kind=reference.kind,
        name=reference.name,
        hash=reference.hash,
        weight=None if weight is None else Decimal(str(round(weight, 4))),
        version=found.version,
        match=found.match,
    )


def _each_version_once(rows: list[ImageResource]) -> list[ImageResource]:
    seen: set[int] = set()
    kept = []
    for row in rows:
        if row.version_id is not None and row.version_id in seen:
            continue
        if row.version_id is not None:
            seen.add(row.version_id)
        kept.append(row)
    return kept


def _model_ids(image: Image) -> list[int]:
    tied = image.resources.filter(version__isnull=False)
    return list(tied.values_list("version__model_id", flat=True).distinct())


def _base_model_id(rows: Sequence[ImageResource]) -> int | None:
    known = [row for row in rows if row.version is not None and row.version.base_model_id]
    known.sort(key=lambda row: row.kind != ResourceKind.CHECKPOINT)
    return known[0].version.base_model_id if known and known[0].version else None
