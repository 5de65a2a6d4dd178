"""Keys, words and cursors that the cases ask for, spread over whole tables by a fixed seed."""

import random
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet

from gallery.models.image import Image
from gallery.queries import ORDERS as IMAGE_ORDERS
from gallery.queries import ImageSort
from hub.comments.models import Comment
from hub.core.pagination import encode_cursor
from models_registry.filters import ORDERS, Sort
from models_registry.models.base_model import BaseModel
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.file_hash import HashKind, ModelFileHash
from models_registry.models.model import Model
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from models_registry.services.download import download_name

VARIANTS = 40
MANY = 10


class Samples:
    """What is there to be asked for; each list is read once."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)

    @cached_property
    def models(self) -> list[tuple[int, str]]:
        """Ids and slugs: some from everywhere, the best-known, and those with most versions."""
        public = Model.objects.published().filter(visibility="public")
        known = public.order_by("-download_count")[:10]
        many = public.filter(pk__in=self._many_versions())
        rows = (public, known, many)
        return [
            *spread(rows[0].order_by("pk").values_list("pk", "slug"), VARIANTS - 20),
            *rows[1].values_list("pk", "slug"),
            *rows[2].values_list("pk", "slug")[:10],
        ]

    @cached_property
    def alike(self) -> tuple[str, str]:
        """Slugs of two models that differ in how many versions they have: two at most, and MANY.

        Both are LoRAs with remarks, and their pages open with a version that has pictures: the
        newest such, which have few of both.
        """
        shown = Image.objects.filter(
            resources__version=OuterRef("latest_version"), visibility="public"
        )
        said = Comment.objects.filter(model=OuterRef("pk"))
        public = Model.objects.published().filter(visibility="public", type="LORA")
        loras = public.filter(Exists(shown), Exists(said)).annotate(n=Count("versions"))
        few = loras.filter(n__lte=2).order_by("-pk").first()
        many = loras.filter(n__gte=MANY).order_by("-pk").first()
        assert few is not None, "No LoRA has pictures and remarks."
        assert many is not None, "No LoRA of many versions has pictures and remarks."
        return few.slug, many.slug

    def _many_versions(self) -> list[int]:
        counted = ModelVersion.objects.published().values_list("model_id").annotate(n=Count("pk"))
        return [pk for pk, _count in counted.order_by("-n", "model_id")[:30]]

    @cached_property
    def versions(self) -> list[int]:
        """Ids of public versions with a file to download, those with most pictures among them."""
        public = ModelVersion.objects.published().filter(
            Exists(
                ModelFile.objects.filter(version=OuterRef("pk"), scan_status=ScanStatus.SUCCESS)
            ),
            model__visibility="public",
            model__status="Published",
        )
        rows = public.order_by("pk").values_list("pk", flat=True)
        return [*rows[:8], *spread(rows, VARIANTS - 8)]

    @cached_property
    def images(self) -> list[int]:
        """Ids of public pictures."""
        rows = Image.objects.filter(visibility="public").order_by("pk")
        return spread(rows.values_list("pk", flat=True), VARIANTS)

    @cached_property
    def tags(self) -> list[str]:
        """Names of tags, the most and the least used ones."""
        return spread(Tag.objects.order_by("pk").values_list("name", flat=True), VARIANTS)

    @cached_property
    def bases(self) -> list[str]:
        """Names of base models in use."""
        return list(BaseModel.objects.order_by("pk").values_list("name", flat=True)[:12])

    def hashes(self, kind: HashKind, count: int = 8) -> list[str]:
        """Whole hashes of this kind, of files that everybody may have."""
        rows = ModelFileHash.objects.filter(
            kind=kind, file__version_id__in=self.versions, file__scan_status=ScanStatus.SUCCESS
        )
        return list(rows.order_by("pk").values_list("value", flat=True)[:count])

    @cached_property
    def file_names(self) -> list[str]:
        """What files that everybody may have are called: here, and where they were fetched."""
        files = ModelFile.objects.filter(
            version_id__in=self.versions, scan_status=ScanStatus.SUCCESS
        ).select_related("version__model")
        return [name for file in files.order_by("pk") for name in (file.name, download_name(file))]

    def cursor(self, sort: Sort, depth: float) -> str:
        """A cursor of the model list at a share of its length."""
        return _cursor(Model.objects.published(), ORDERS[sort], depth)

    def image_cursor(self, sort: ImageSort, depth: float) -> str:
        """A cursor of the picture list at a share of its length."""
        return _cursor(Image.objects.filter(visibility="public"), IMAGE_ORDERS[sort], depth)


def spread(rows: QuerySet[Any], count: int) -> list[Any]:
    """Return up to `count` rows, their keys evenly from the first to the last."""
    ends = rows.order_by().aggregate(first=Min("pk"), last=Max("pk"))
    step = max(1, (ends["last"] - ends["first"] + 1) // count)
    starts = range(ends["first"], ends["last"] + 1, step)
    found = [rows.filter(pk__gte=start).order_by("pk").first() for start in starts]
    return list(dict.fromkeys(row for row in found if row is not None))[:count]


def _cursor(rows: QuerySet[Any], order: tuple[str, ...], depth: float) -> str:
    names = [name.lstrip("-") for name in order]
    at = int(rows.count() * depth)
    return encode_cursor(list(rows.order_by(*order).values_list(*names)[at]))
