"""People, teams, invites and API tokens."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from hub.core.models import QuickRow, TimeStamped


class User(QuickRow, AbstractUser):
    """A person; `language` and `theme` empty mean: as the browser asks."""

    #: The rows whose picture everyone sees: all of them.
    FOR_EVERYONE = models.Q()

    language = models.CharField(max_length=12, blank=True)
    theme = models.CharField(max_length=5, blank=True)
    bio = models.TextField(blank=True)
    avatar = models.ForeignKey(
        "storage.Blob", on_delete=models.SET_NULL, null=True, blank=True, related_name="avatars_of"
    )

    class Meta(AbstractUser.Meta):
        indexes = [
            # For `username__iexact` and `username__istartswith`, which compare in capitals.
            models.Index(
                OpClass(Upper("username"), name="varchar_pattern_ops"),
                name="user_by_name_in_any_case",
            )
        ]

    @property
    def public_name(self) -> str:
        """Name shown to others."""
        return self.get_full_name() or self.username


class Team(TimeStamped):
    """People who share datasets, a queue and unpublished models."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="created_teams"
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="teams"
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may do in a team; each includes the ones after it.

    Owners choose owners; managers look after people, the queue and everybody's things; members make
    and change things of the team; viewers see and download them, and change nothing.
    """

    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    MEMBER = "member", _("Member")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """One person in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("member of a team")
        verbose_name_plural = _("members of teams")
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="one_membership_per_person"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}"


class Invite(models.Model):
    """A link that lets whoever holds it join a team once; only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invites")
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    key_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invites_made"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="invites_accepted",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invite link")
        verbose_name_plural = _("invite links")

    def __str__(self) -> str:
        return f"invite to {self.team_id}"


class Scope(models.TextChoices):
    """What a token may do on behalf of its owner."""

    MODELS_READ = "models:read", _("See and download models")
    MODELS_WRITE = "models:write", _("Upload and publish models")
    DATASETS_WRITE = "datasets:write", _("See and change datasets")
    JOBS_WRITE = "jobs:write", _("Start and stop training")
    IMAGES_WRITE = "images:write", _("Post pictures")


class ApiToken(models.Model):
    """A key for programs: shown once, kept as a hash, limited to scopes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    key_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"

    @property
    def scope_names(self) -> list[str]:
        """What the token may do, in words."""
        return [str(label) for scope, label in Scope.choices if scope in self.scopes]


class FormDraft(models.Model):
    """What a person typed into a long form and has not sent yet; one a form.

    `form` names the form and what it is about ("train:12"), `data` holds field names and values.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="form_drafts"
    )
    form = models.CharField(max_length=80)
    data = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        verbose_name = _("draft of a form")
        verbose_name_plural = _("drafts of forms")
        constraints = [models.UniqueConstraint(fields=["user", "form"], name="one_draft_per_form")]

    def __str__(self) -> str:
        return f"{self.form} of {self.user_id}"
