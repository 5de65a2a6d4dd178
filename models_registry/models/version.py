"""A version: what is trained, published and downloaded.

Status: DRAFT → PUBLISHED ⇄ UNPUBLISHED; ARCHIVED follows the model; PUBLISHED or ARCHIVED →
TOMBSTONE when the files are deleted (services.tombstones), for good. All conditional UPDATEs.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hub.accounts.models import Membership
from hub.core.models import TimeStamped
from models_registry.models.base_model import BaseModel, BaseModelType
from models_registry.models.model import (
    KNOWN_STATES,
    PUBLIC_STATES,
    Model,
    Status,
    Viewer,
    models_for_everyone,
    reachable_models,
    visible_models,
)

if TYPE_CHECKING:
    from models_registry.catalogue_facts import VersionFacts
    from models_registry.catalogue_links import VersionLinks
    from models_registry.models.cover import VersionCover
    from models_registry.models.recommendation import RecommendedResource


def versions_for_everyone(prefix: str) -> Q:
    """`Model.shows_everyone`, for rows that reach their version through `prefix` ("version__")."""
    shown = Q(**{f"{prefix}status__in": PUBLIC_STATES})
    return models_for_everyone(f"{prefix}model__") & shown


class VersionQuerySet(models.QuerySet["ModelVersion"]):
    """Vocabulary of version lists."""

    def visible_to(self, user: Viewer) -> Self:
        """Versions that this person may know of: of a visible model, drafts only for its people."""
        return self._of_models(visible_models(user, "model__"), user)

    def reachable_by(self, user: Viewer) -> Self:
        """Versions that this person gets by address: also of unlisted models. Never for lists."""
        return self._of_models(reachable_models(user, "model__"), user)

    def published(self) -> Self:
        """Versions that were published and not taken back."""
        return self.filter(status__in=PUBLIC_STATES)

    def known(self) -> Self:
        """Published ones and what is left of those whose files were deleted."""
        return self.filter(status__in=KNOWN_STATES)

    def newest_first(self) -> Self:
        """The order of tabs and of the API."""
        return self.order_by("-index", "-pk")

    def _of_models(self, allowed: Q, user: Viewer) -> Self:
        if user.is_authenticated and user.is_superuser:
            return self.all()
        known = Q(status__in=KNOWN_STATES)
        if not user.is_authenticated:
            return self.filter(allowed & known)
        teams = Membership.objects.filter(user_id=user.pk).values("team_id")
        own = Q(model__owner_id=user.pk) | Q(model__team_id__in=teams)
        return self.filter(allowed & (known | own))


def _in_order(low: str, high: str, *, name: str) -> models.CheckConstraint:
    """The rule that one column is at most the other, where both are known."""
    either_unknown = Q(**{f"{low}__isnull": True}) | Q(**{f"{high}__isnull": True})
    return models.CheckConstraint(
        condition=either_unknown | Q(**{f"{low}__lte": F(high)}), name=name
    )


class ModelVersion(TimeStamped):
    """One release of a model; `index` counts from 1 within the model.

    Weights are multipliers; sizes pixels; `cfg_note` says what a lower or higher CFG changes. The
    provenance fields name the run, the dataset snapshot and the base that made it, by id and by
    hash, so that they survive what they point to.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="versions")
    index = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    base_model = models.ForeignKey(
        BaseModel, on_delete=models.PROTECT, null=True, blank=True, related_name="versions"
    )
    base_model_type = models.CharField(
        max_length=10, choices=BaseModelType.choices, default=BaseModelType.STANDARD
    )
    description = models.TextField(blank=True)
    changelog = models.TextField(blank=True)
    usage_tips = models.TextField(blank=True)
    prompt_advice = models.TextField(blank=True)
    negative_advice = models.TextField(blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    published_at = models.DateTimeField(null=True, blank=True)
    weight_min = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    weight_default = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    weight_max = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    clip_skip = models.PositiveSmallIntegerField(null=True, blank=True)
    sampler = models.CharField(max_length=60, blank=True)
    steps = models.PositiveSmallIntegerField(null=True, blank=True)
    cfg_scale = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    cfg_min = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    cfg_max = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    cfg_note = models.TextField(blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    network_dim = models.PositiveIntegerField(null=True, blank=True)
    network_alpha = models.FloatField(null=True, blank=True)
    epochs = models.PositiveIntegerField(null=True, blank=True)
    training_steps = models.PositiveIntegerField(null=True, blank=True)
    nsfw_level = models.PositiveSmallIntegerField(default=1)
    requires_sign_in = models.BooleanField(default=False)
    early_access_until = models.DateTimeField(null=True, blank=True)
    download_count = models.PositiveIntegerField(default=0)
    thumbs_up_count = models.PositiveIntegerField(default=0)
    thumbs_down_count = models.PositiveIntegerField(default=0)
    rating_sum = models.PositiveIntegerField(default=0)
    rating_count = models.PositiveIntegerField(default=0)
    job_uuid = models.UUIDField(null=True, blank=True)
    dataset_snapshot_uuid = models.UUIDField(null=True, blank=True)
    snapshot_hash = models.CharField(max_length=64, blank=True)
    base_version = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="derived_versions"
    )
    base_model_sha256 = models.CharField(max_length=64, blank=True)
    engine_version = models.CharField(max_length=40, blank=True)
    training_config = models.JSONField(null=True, blank=True)

    #: Set by `catalogue_facts`: files, pictures and examples, and all trigger words in order.
    facts: "VersionFacts"
    loaded_words: list[str] | None = None
    #: Set by `card_facts`.
    first_cover: "VersionCover | None"
    #: Set by `catalogue_links`: what goes with it and what it was made from.
    links: "VersionLinks"
    #: Set by `catalogue` for a version by itself: its VAEs, None where the viewer may not see one.
    vae_links: list["RecommendedResource"]

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [
            models.UniqueConstraint(fields=["model", "index"], name="version_index_once"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="version_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=PUBLIC_STATES)
                | Q(published_at__isnull=False, base_model__isnull=False),
                name="version_published_is_complete",
            ),
            _in_order("weight_min", "weight_default", name="version_weight_min_in_order"),
            _in_order("weight_default", "weight_max", name="version_weight_max_in_order"),
            _in_order("cfg_min", "cfg_scale", name="version_cfg_min_in_order"),
            _in_order("cfg_scale", "cfg_max", name="version_cfg_max_in_order"),
            _in_order("cfg_min", "cfg_max", name="version_cfg_range_in_order"),
            models.CheckConstraint(
                condition=Q(nsfw_level__gte=0) & Q(nsfw_level__lt=64), name="version_nsfw_bits"
            ),
        ]
        indexes = [
            models.Index(
                fields=["base_model", "model"],
                include=["id", "status"],
                name="version_of_base_model",
                condition=Q(status__in=PUBLIC_STATES),
            ),
            models.Index(
                fields=["base_model_sha256"],
                name="version_by_base_hash",
                condition=Q(base_version__isnull=True) & ~Q(base_model_sha256=""),
            ),
            models.Index(
                fields=["job_uuid"],
                name="version_by_job",
                condition=Q(job_uuid__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.name}"

    @property
    def is_tombstone(self) -> bool:
        """The files were deleted; card, hashes and words stay."""
        return self.status == Status.TOMBSTONE

    @property
    def trained_words(self) -> list[str]:
        """All trigger words in order; reads `trigger_word_sets__words` (prefetch both)."""
        if self.loaded_words is not None:
            return self.loaded_words
        sets = sorted(self.trigger_word_sets.all(), key=lambda row: (row.position, row.pk))
        return [
            word.text
            for word_set in sets
            for word in sorted(word_set.words.all(), key=lambda row: (row.position, row.pk))
        ]

    @property
    def rating(self) -> float | None:
        """Mean of the stars, None without a review."""
        return self.rating_sum / self.rating_count if self.rating_count else None
