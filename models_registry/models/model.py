"""A model: the page people find; its versions carry the files.

Status: DRAFT → PUBLISHED ⇄ UNPUBLISHED, PUBLISHED ⇄ ARCHIVED (card stays, files are not served).
With its last published version (services.tombstones) a model becomes a TOMBSTONE; another version
makes it PUBLISHED again. A change is a conditional UPDATE in services.publish.
"""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hub.accounts.models import Membership, User
from hub.core.models import TimeStamped
from models_registry.models.tag import ModelTag, Tag
from models_registry.models.terms import LicenceName, ModelVisibility
from models_registry.models.title import spelled
from models_registry.models.trend import trend_score

if TYPE_CHECKING:
    from models_registry.models.version import ModelVersion

Viewer = User | AnonymousUser


class ModelType(models.TextChoices):
    """Kinds of models; the values are those of Civitai's API."""

    CHECKPOINT = "Checkpoint", _("Checkpoint")
    TEXTUAL_INVERSION = "TextualInversion", _("Embedding")
    HYPERNETWORK = "Hypernetwork", _("Hypernetwork")
    AESTHETIC_GRADIENT = "AestheticGradient", _("Aesthetic gradient")
    LORA = "LORA", "LoRA"
    LOCON = "LoCon", "LoCon"
    DORA = "DoRA", "DoRA"
    CONTROLNET = "Controlnet", "ControlNet"
    UPSCALER = "Upscaler", _("Upscaler")
    MOTION_MODULE = "MotionModule", _("Motion module")
    VAE = "VAE", "VAE"
    TEXT_ENCODER = "TextEncoder", _("Text encoder")
    UNET = "UNet", "UNet"
    CLIP_VISION = "CLIPVision", "CLIP vision"
    POSES = "Poses", _("Poses")
    WILDCARDS = "Wildcards", _("Wildcards")
    WORKFLOWS = "Workflows", _("Workflows")
    COMFY_WORKFLOWS = "ComfyWorkflows", _("ComfyUI workflows")
    DETECTION = "Detection", _("Detection")
    VISION_LANGUAGE = "VisionLanguage", _("Vision language model")
    CLIP = "CLIP", "CLIP"
    LLM = "LLM", _("Language model")
    OTHER = "Other", pgettext_lazy("model type", "Other")


class CheckpointType(models.TextChoices):
    """How a checkpoint came to be."""

    TRAINED = "Trained", _("Trained")
    MERGE = "Merge", _("Merge")


class Status(models.TextChoices):
    """Life of a model and of a version; see the module docstring."""

    DRAFT = "Draft", _("Draft")
    PUBLISHED = "Published", _("Published")
    UNPUBLISHED = "Unpublished", _("Unpublished")
    ARCHIVED = "Archived", _("Archived")
    TOMBSTONE = "Deleted", _("Files deleted")


class Subject(models.TextChoices):
    """What a model is about."""

    CHARACTER = "character", _("Character")
    STYLE = "style", pgettext_lazy("subject of a model", "Style")
    CONCEPT = "concept", _("Concept")
    CLOTHING = "clothing", _("Clothing")
    OBJECT = "object", pgettext_lazy("subject of a model", "Object")
    SCENE = "scene", _("Scene")
    BACKGROUND = "background", _("Background")
    POSE = "pose", _("Pose")
    ACTION = "action", pgettext_lazy("subject of a model", "Action")
    ANIMAL = "animal", _("Animal")
    BUILDING = "building", _("Building")
    VEHICLE = "vehicle", _("Vehicle")
    ASSETS = "assets", pgettext_lazy("subject of a model", "Assets")
    TOOL = "tool", _("Tool")


class CommercialUse(models.TextChoices):
    """What may be sold; a set, empty means nothing."""

    IMAGE = "Image", _("Sell generated pictures")
    RENT_CIVIT = "RentCivit", _("Use in paid generation on Civitai")
    RENT = "Rent", _("Use in paid generation services")
    SELL = "Sell", _("Sell the model or merges of it")


def default_commercial_use() -> list[str]:
    """The community's usual default."""
    return [CommercialUse.SELL.value]


#: What lists show.
PUBLIC_STATES = (Status.PUBLISHED, Status.ARCHIVED)
#: What whoever may see it finds at its address: also what stays when the files are gone.
KNOWN_STATES = (*PUBLIC_STATES, Status.TOMBSTONE)


#: What lists count by, and what decides whether a model is counted for somebody.
FACET_COLUMNS = ("type", "subject", "is_verified", "is_trained_here")
COUNTED_COLUMNS = (
    *("visibility", "status", "owner", "team"),
    *("licence", "nsfw_level", "allow_commercial_use"),
)

#: What only searches and lists ask of a model, and no page prints.
ONLY_ASKED = ("search", "search_words", "base_ids", "file_kinds")


def visible_models(user: Viewer, prefix: str = "") -> Q:
    """The one visibility rule, for rows that reach their model through `prefix` ("model__").

    Published models and what is left of them: everyone, the team or the owner, as the author chose.
    Anything else, unlisted ones included: the owner, and the team unless it is private.
    Administrators see everything.
    """
    published = Q(**{f"{prefix}status__in": KNOWN_STATES})
    public = published & Q(**{f"{prefix}visibility": ModelVisibility.PUBLIC})
    if not user.is_authenticated:
        return public
    if user.is_superuser:
        return Q()
    teams = Membership.objects.filter(user_id=user.pk).values("team_id")
    shared = Q(**{f"{prefix}team_id__in": teams}) & ~Q(
        **{f"{prefix}visibility": ModelVisibility.PRIVATE}
    )
    return public | Q(**{f"{prefix}owner_id": user.pk}) | shared


def reachable_models(user: Viewer, prefix: str = "") -> Q:
    """What a person finds who already has the address: the rule, and unlisted models.

    For reads of one thing by its address only; lists, searches and counts use `visible_models`.
    """
    if user.is_authenticated and user.is_superuser:
        return Q()
    unlisted = Q(
        **{
            f"{prefix}status__in": KNOWN_STATES,
            f"{prefix}visibility": ModelVisibility.UNLISTED,
        }
    )
    return visible_models(user, prefix) | unlisted


def listed_models(user: Viewer) -> Q:
    """What the rule leaves of published models without the unlisted ones, said in one piece.

    Said one after the other the ORM takes three times as long to write it down, and PostgreSQL,
    which takes conditions on the same column for independent ones, expects half of the models.
    """
    if user.is_authenticated and user.is_superuser:
        return Q(status__in=PUBLIC_STATES) & ~Q(visibility=ModelVisibility.UNLISTED)
    found = Q(visibility=ModelVisibility.PUBLIC)
    if user.is_authenticated:
        teams = Membership.objects.filter(user_id=user.pk).values("team_id")
        limited = (ModelVisibility.TEAM, ModelVisibility.PRIVATE)
        found |= Q(visibility__in=limited, owner_id=user.pk)
        found |= Q(visibility=ModelVisibility.TEAM, team_id__in=teams)
    return Q(status__in=PUBLIC_STATES) & found


def models_for_everyone(prefix: str) -> Q:
    """`Model.is_for_everyone`, for rows that reach their model through `prefix` ("model__")."""
    public = Q(**{f"{prefix}visibility": ModelVisibility.PUBLIC})
    return public & Q(**{f"{prefix}status__in": PUBLIC_STATES})


class ModelQuerySet(models.QuerySet["Model"]):
    """Vocabulary of lists."""

    def visible_to(self, user: Viewer) -> Self:
        """Models that this person may know of."""
        return self.filter(visible_models(user))

    def reachable_by(self, user: Viewer) -> Self:
        """Models that this person gets by address: also unlisted ones. Never for lists."""
        return self.filter(reachable_models(user))

    def published(self) -> Self:
        """Models that were published and not taken back; archived ones keep their card."""
        return self.filter(status__in=PUBLIC_STATES)

    def listed_for(self, user: Viewer) -> Self:
        """Models that lists, searches, feeds and counts show to this person."""
        return self.filter(listed_models(user))

    def owned_by(self, user: Viewer) -> Self:
        """Models of this person, drafts included."""
        return self.filter(owner_id=user.pk) if user.is_authenticated else self.none()


class Model(TimeStamped):
    """Name, type, terms and counters; `search_words` holds what else it is found by."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_models"
    )
    team = models.ForeignKey(
        "accounts.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="models"
    )
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140, unique=True)
    type = models.CharField(max_length=20, choices=ModelType)
    checkpoint_type = models.CharField(max_length=8, choices=CheckpointType, blank=True, default="")
    subject = models.CharField(max_length=10, choices=Subject, blank=True, default="")
    description = models.TextField(blank=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    visibility = models.CharField(
        max_length=8, choices=ModelVisibility.choices, default=ModelVisibility.PUBLIC
    )
    licence = models.CharField(max_length=40, choices=LicenceName.choices, blank=True, default="")
    allow_no_credit = models.BooleanField(default=True)
    allow_commercial_use = ArrayField(
        models.CharField(max_length=10, choices=CommercialUse),
        default=default_commercial_use,
        blank=True,
    )
    allow_derivatives = models.BooleanField(default=True)
    allow_different_license = models.BooleanField(default=True)
    nsfw_level = models.PositiveSmallIntegerField(default=1)
    tags = models.ManyToManyField(Tag, through=ModelTag, related_name="models")
    published_at = models.DateTimeField(null=True, blank=True)
    last_version_at = models.DateTimeField(default=timezone.now)
    latest_version = models.ForeignKey(
        "models_registry.ModelVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    is_verified = models.BooleanField(default=False)
    is_trained_here = models.BooleanField(default=False)
    #: Base models of the public versions, and kinds of their cleared files as words
    #: (`models_registry.file_kinds`): lists look for them here. services.counters keeps both.
    base_ids = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)
    file_kinds = ArrayField(models.CharField(), default=list, blank=True, editable=False)
    download_count = models.PositiveIntegerField(default=0)
    thumbs_up_count = models.PositiveIntegerField(default=0)
    thumbs_down_count = models.PositiveIntegerField(default=0)
    rating_sum = models.PositiveIntegerField(default=0)
    rating_count = models.PositiveIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)
    image_count = models.PositiveIntegerField(default=0)
    bookmark_count = models.PositiveIntegerField(default=0)
    trend = models.GeneratedField(
        expression=trend_score(), output_field=models.FloatField(), db_persist=True
    )
    search_words = models.TextField(blank=True, editable=False)
    search = models.GeneratedField(
        expression=SearchVector("name", weight="A", config="simple")
        + SearchVector("search_words", weight="B", config="simple")
        + SearchVector("description", weight="D", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    #: Set by `catalogue`: published versions, newest first, with their `facts`; and the tags.
    public_versions: list["ModelVersion"]
    loaded_tags: list[str] | None = None

    objects = ModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        constraints = [
            models.CheckConstraint(condition=Q(type__in=ModelType.values), name="model_type_known"),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="model_status_known"
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=ModelVisibility.values), name="model_visibility_known"
            ),
            models.CheckConstraint(
                condition=Q(subject__in=["", *Subject.values]), name="model_subject_known"
            ),
            models.CheckConstraint(
                condition=Q(licence__in=["", *LicenceName.values]), name="model_licence_known"
            ),
            models.CheckConstraint(
                condition=Q(checkpoint_type="") | Q(type=ModelType.CHECKPOINT),
                name="model_checkpoint_type_of_checkpoint",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=PUBLIC_STATES) | Q(published_at__isnull=False),
                name="model_published_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(visibility=ModelVisibility.TEAM) | Q(team__isnull=False),
                name="model_team_visibility_has_team",
            ),
            models.CheckConstraint(
                condition=Q(nsfw_level__gte=0) & Q(nsfw_level__lt=64), name="model_nsfw_bits"
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="model_search"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="model_name_trigram"),
            GinIndex(
                fields=["search_words"], opclasses=["gin_trgm_ops"], name="model_words_trigram"
            ),
            models.Index(Upper("name"), name="model_by_name_in_any_case"),  # for `name__iexact`
            models.Index(spelled("name"), name="model_by_title"),
            *(
                models.Index(
                    fields=fields, name=f"model_by_{name}", condition=Q(status__in=PUBLIC_STATES)
                )
                for name, fields in {
                    "rating": ("-thumbs_up_count", "-download_count", "-id"),
                    "likes": ("-thumbs_up_count", "-id"),
                    "downloads": ("-download_count", "-thumbs_up_count", "-id"),
                    "newest": ("-last_version_at", "-id"),
                    "comments": ("-comment_count", "-id"),
                    "bookmarks": ("-bookmark_count", "-id"),
                    "trend": ("-trend", "-id"),
                    "images": ("-image_count", "-id"),
                    "type": ("type", "-last_version_at", "-id"),
                    "subject": ("subject", "-last_version_at", "-id"),
                    "licence": ("licence", "-last_version_at", "-id"),
                    "owner": ("owner", "-last_version_at", "-id"),
                }.items()
            ),
            models.Index(
                fields=["-last_version_at", "-id"],
                name="model_trained_here",
                condition=Q(status__in=PUBLIC_STATES, is_trained_here=True),
            ),
            GinIndex(fields=["allow_commercial_use"], name="model_commercial_use"),
            GinIndex(fields=["base_ids", "file_kinds"], name="model_bases_and_kinds"),
            models.Index(
                fields=["-image_count", "-id"],
                name="model_pictured",
                condition=Q(image_count__gt=0),
            ),
            # Counts beside the filters read these two instead of the table.
            models.Index(
                fields=[*FACET_COLUMNS],
                include=["id", *COUNTED_COLUMNS],
                name="model_counted",
                condition=Q(status__in=PUBLIC_STATES),
            ),
            models.Index(
                fields=["id"],
                include=[*FACET_COLUMNS, *COUNTED_COLUMNS],
                name="model_listed",
                condition=Q(status__in=PUBLIC_STATES),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        """The card stays, the files are not served."""
        return self.status == Status.ARCHIVED

    @property
    def is_for_everyone(self) -> bool:
        """Published for everyone on the hub: its pictures may have addresses that never end."""
        return self.visibility == ModelVisibility.PUBLIC and self.status in PUBLIC_STATES

    def shows_everyone(self, version: "ModelVersion") -> bool:
        """Whether everyone sees this version of it: no draft, and not taken back."""
        return self.is_for_everyone and version.status in PUBLIC_STATES

    @property
    def tag_names(self) -> list[str]:
        """Tags in their order; prefetch `model_tags__tag`."""
        if self.loaded_tags is not None:
            return self.loaded_tags
        rows = sorted(self.model_tags.all(), key=lambda row: (row.position, row.pk))
        return [row.tag.name for row in rows]

    @property
    def rating(self) -> float | None:
        """Mean of the stars, None without a review."""
        return self.rating_sum / self.rating_count if self.rating_count else None
