"""Counter columns: changed by the service that changes what they count, and made right here."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Greatest

from models_registry.file_kinds import FileKind, words_of
from models_registry.models.bookmark import Bookmark
from models_registry.models.download import Download
from models_registry.models.engagement import EngagementKind, ModelEngagement
from models_registry.models.file import FileFormat, ModelFile, ScanStatus
from models_registry.models.model import PUBLIC_STATES, Model
from models_registry.models.review import Review
from models_registry.models.version import ModelVersion


def add_download(*, version_id: int, model_id: int) -> None:
    """Count one more download; needs the caller's transaction."""
    Model.objects.filter(pk=model_id).update(download_count=F("download_count") + 1)
    ModelVersion.objects.filter(pk=version_id).update(download_count=F("download_count") + 1)


def add_downloads(*, version_ids: Iterable[int]) -> None:
    """Count one more download of each version; needs the caller's transaction."""
    versions = ModelVersion.objects.filter(pk__in=list(version_ids))
    per_model = Counter(versions.values_list("model_id", flat=True))
    for model_id in sorted(per_model):  # in one order, as every lock
        Model.objects.filter(pk=model_id).update(
            download_count=F("download_count") + per_model[model_id]
        )
    versions.update(download_count=F("download_count") + 1)


def change_image_count(*, model_id: int, by: int) -> None:
    """Told by the gallery when pictures made with a model come or go."""
    Model.objects.filter(pk=model_id).update(image_count=Greatest(F("image_count") + by, 0))


def set_image_count(*, model_id: int, count: int) -> bool:
    """Write the number of a model's pictures; returns whether it was another one."""
    rows = Model.objects.filter(pk=model_id).exclude(image_count=count)
    return bool(rows.update(image_count=count))


def change_comment_count(*, model_id: int, by: int) -> None:
    """Told by whoever keeps comments."""
    Model.objects.filter(pk=model_id).update(comment_count=Greatest(F("comment_count") + by, 0))


def recount_reviews(*, model_id: int) -> None:
    """Stars and thumbs of a model and its versions, from the reviews; likes count as thumbs up.

    For the model a person counts once, whether they like it, recommend versions of it, or both.
    """
    with transaction.atomic():
        Model.objects.select_for_update().get(pk=model_id)
        reviews = Review.objects.filter(model_id=model_id)
        likes = ModelEngagement.objects.filter(model_id=model_id, kind=EngagementKind.LIKE)
        praise = reviews.filter(recommended=True).exclude(author__in=likes.values("user_id"))
        up = likes.count() + praise.values("author_id").distinct().count()
        columns = _review_columns(reviews) | {"thumbs_up_count": up}
        Model.objects.filter(pk=model_id).update(**columns)
        for version in ModelVersion.objects.filter(model_id=model_id).order_by("pk"):
            reviews = Review.objects.filter(version_id=version.pk)
            ModelVersion.objects.filter(pk=version.pk).update(**_review_columns(reviews))


def recount_bookmarks(*, model_id: int) -> None:
    """How many people keep a model."""
    with transaction.atomic():
        Model.objects.select_for_update().get(pk=model_id)
        count = Bookmark.objects.filter(model_id=model_id).count()
        Model.objects.filter(pk=model_id).update(bookmark_count=count)


def recount_comments(*, model_id: int) -> None:
    """How many comments on a model are shown."""
    shown = Count("comments", filter=Q(comments__hidden_at=None))
    count = Model.objects.annotate(shown=shown).values_list("shown", flat=True).get(pk=model_id)
    Model.objects.filter(pk=model_id).update(comment_count=count)


def refresh_facts(*, model_id: int) -> None:
    """Newest published version, its time, and what lists filter by: verified, base models, ...

    A model without a published version shows the facts of its drafts to its people; its base models
    and kinds of files are those of published versions alone.
    """
    with transaction.atomic():
        rows = Model.objects.select_for_update().filter(pk=model_id)
        known_at = rows.values_list("last_version_at", flat=True).get()
        versions = (
            ModelVersion.objects.filter(model_id=model_id)
            .only("status", "published_at", "job_uuid", "base_model_id")
            .order_by("-index")
        )
        files = _cleared_files(model_id)
        published = [row for row in versions if row.status in PUBLIC_STATES]
        shown = published or list(versions)
        times = [row.published_at for row in published if row.published_at]
        Model.objects.filter(pk=model_id).update(
            latest_version=shown[0] if shown else None,
            last_version_at=max(times) if times else known_at,
            is_verified=any(
                file.format == FileFormat.SAFETENSOR for row in shown for file in files[row.pk]
            ),
            is_trained_here=any(row.job_uuid is not None for row in shown),
            base_ids=sorted({row.base_model_id for row in published if row.base_model_id}),
            file_kinds=words_of(file for row in published for file in files[row.pk]),
        )


def _cleared_files(model_id: int) -> dict[int, list[FileKind]]:
    """Kinds of the files of each version of a model that others may have."""
    found: dict[int, list[FileKind]] = defaultdict(list)
    rows = ModelFile.objects.filter(version__model_id=model_id, scan_status=ScanStatus.SUCCESS)
    columns = ("version_id", "format", "precision", "version__base_model_id")
    for version_id, *file in rows.values_list(*columns):
        found[version_id].append(FileKind._make(file))
    return found


def repair_counters(*, model_id: int) -> bool:
    """Make every column of a model and its versions agree with the rows; True when one was wrong.

    Downloads made before their rows were kept stay counted: that counter is only ever raised.
    """
    before = _snapshot(model_id)
    with transaction.atomic():
        recount_reviews(model_id=model_id)
        recount_bookmarks(model_id=model_id)
        recount_comments(model_id=model_id)
        _raise_downloads(model_id)
        refresh_facts(model_id=model_id)
    return before != _snapshot(model_id)


def _review_columns(reviews: QuerySet[Review]) -> dict[str, int]:
    totals = reviews.aggregate(
        total=Count("pk"),
        stars=Sum("rating"),
        up=Count("pk", filter=Q(recommended=True)),
    )
    return {
        "rating_count": totals["total"],
        "rating_sum": totals["stars"] or 0,
        "thumbs_up_count": totals["up"],
        "thumbs_down_count": totals["total"] - totals["up"],
    }


def _raise_downloads(model_id: int) -> None:
    known = 0
    for version in ModelVersion.objects.filter(model_id=model_id).order_by("pk"):
        count = max(version.download_count, Download.objects.filter(version=version).count())
        ModelVersion.objects.filter(pk=version.pk).update(download_count=count)
        known += count
    Model.objects.filter(pk=model_id).update(download_count=known)


def _snapshot(model_id: int) -> tuple[object, ...]:
    names = (
        *("download_count", "thumbs_up_count", "thumbs_down_count", "rating_sum"),
        "rating_count",
    )
    own = Model.objects.values_list(
        *names,
        "bookmark_count",
        "comment_count",
        "latest_version_id",
        "last_version_at",
        "is_verified",
        "is_trained_here",
        "base_ids",
        "file_kinds",
    ).get(pk=model_id)
    versions = ModelVersion.objects.filter(model_id=model_id).order_by("pk")
    return (own, *versions.values_list("pk", *names))
