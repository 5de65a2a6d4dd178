"""Counts of what everyone sees, kept for lists of a large hub, and what differs for one person.

Counting 100,000 models with their base models takes longer than the rest of their list. So a task
counts what everyone sees every COUNTS_SECONDS; what one person sees beside it, or hides, is little
and is counted with each list. A hub of fewer than KEPT_FROM models counts them each time: there, a
list whose number is a minute old would be noticed.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import Count, Q, QuerySet

from hub.accounts.models import Membership
from models_registry.bonds import engagements_of
from models_registry.models.engagement import EngagementKind
from models_registry.models.model import FACET_COLUMNS, Model, Viewer
from models_registry.models.tag import ModelTag
from models_registry.models.terms import ModelVisibility
from models_registry.models.version import ModelVersion

KEPT_FROM = 10_000
#: Of what one person sees beside the others, and hides: above this the list is counted as a whole.
OWN_MOST = 2_000
#: Rounds of the task that may fail before lists are counted by themselves again.
ROUNDS_KEPT = 5
COUNTS_KEY = "models.counts"
TAGS_KEY = "models.tag-counts"
GUEST = AnonymousUser()
#: Type, subject, verified, trained here.
Group = tuple[str, str, bool, bool]


@dataclass
class Counts:
    """How many models of each group there are, and of these how many with each base model."""

    groups: Counter[Group] = field(default_factory=Counter)
    bases: dict[Group, Counter[int]] = field(default_factory=dict)

    def of_base(self, base_model_id: int) -> dict[Group, int]:
        """Models of each group with this base model."""
        return {group: counts[base_model_id] for group, counts in self.bases.items()}

    def add(self, rows: "Counts", sign: int = 1) -> None:
        """Count models in, or out with -1."""
        for group, count in rows.groups.items():
            self.groups[group] += sign * count
        for group, counts in rows.bases.items():
            held = self.bases.setdefault(group, Counter())
            for base, count in counts.items():
                held[base] += sign * count


def keep_counts() -> None:
    """Count what everyone sees: models for their lists where there are many, and tags."""
    seconds = settings.COUNTS_SECONDS * ROUNDS_KEPT
    models = Model.objects.listed_for(GUEST).order_by()
    if models[:KEPT_FROM].count() < KEPT_FROM:
        cache.delete(COUNTS_KEY)
    else:
        cache.set(COUNTS_KEY, _counted(models), seconds)
    if settings.TAG_COUNTS_SECONDS:
        cache.set(TAGS_KEY, _tag_counts(models), settings.TAG_COUNTS_SECONDS)


def kept_counts(viewer: Viewer, *, unseen: bool = False) -> Counts | None:
    """Counts of the whole list as this person sees it; None where it has to be counted.

    Models that the person hides are left out, and with `unseen` also those that they looked at.
    """
    if viewer.is_authenticated and viewer.is_superuser:
        return None
    counts: Counts | None = cache.get(COUNTS_KEY)
    if counts is None or not viewer.is_authenticated:
        return counts
    kinds = [EngagementKind.HIDE] + ([EngagementKind.SEEN] if unseen else [])
    left_out = engagements_of(viewer, *kinds).values("model_id")
    own = _rows_of(seen_beside(viewer).exclude(pk__in=left_out))
    hidden = _rows_of(Model.objects.listed_for(GUEST).filter(pk__in=left_out))
    if own is None or hidden is None:
        return None
    counts.add(own)
    counts.add(hidden, sign=-1)
    return counts


def ranked_tags(viewer: Viewer) -> list[str]:
    """Names of tags by how many listed models have them; those of everyone a little old."""
    counts: Counter[str] | None = cache.get(TAGS_KEY) if settings.TAG_COUNTS_SECONDS else None
    if counts is None:
        counts = _tag_counts(Model.objects.listed_for(GUEST))
        if settings.TAG_COUNTS_SECONDS:
            cache.set(TAGS_KEY, counts, settings.TAG_COUNTS_SECONDS)
    if viewer.is_authenticated:
        counts = counts + _tag_counts(seen_beside(viewer))
    return sorted(counts, key=lambda name: (-counts[name], name))


def seen_beside(viewer: Viewer) -> QuerySet[Model]:
    """Listed models that this person sees and not everyone."""
    limited = Model.objects.published().filter(
        visibility__in=(ModelVisibility.TEAM, ModelVisibility.PRIVATE)
    )
    if viewer.is_superuser:
        return limited
    # Keys first: behind OR, PostgreSQL would try each model against the person's teams.
    teams = list(
        Membership.objects.filter(user_id=viewer.pk or 0).values_list("team_id", flat=True)
    )
    shared = Q(team_id__in=teams, visibility=ModelVisibility.TEAM)
    return limited.filter(Q(owner_id=viewer.pk) | shared)


def _rows_of(models: QuerySet[Model]) -> Counts | None:
    """Counts of few models; None where they are many."""
    rows = list(models.order_by().values_list(*FACET_COLUMNS, "base_ids")[: OWN_MOST + 1])
    if len(rows) > OWN_MOST:
        return None
    groups: list[tuple[Group, list[int]]] = [((a, b, c, d), bases) for a, b, c, d, bases in rows]
    pairs = ((group, base, 1) for group, bases in groups for base in bases)
    return _summed((group for group, _bases in groups), pairs)


def _counted(models: QuerySet[Model]) -> Counts:
    """Counts of many models, each in one pass."""
    columns = [f"model__{name}" for name in FACET_COLUMNS]
    versions = ModelVersion.objects.published().filter(model__in=models).order_by()
    rows = versions.exclude(base_model=None).values_list(*columns, "base_model_id")
    bases = rows.annotate(n=Count("model_id", distinct=True))
    counts = _summed((), (((a, b, c, d), base, n) for a, b, c, d, base, n in bases))
    groups = models.values_list(*FACET_COLUMNS).annotate(n=Count("pk"))
    counts.groups.update({(a, b, c, d): n for a, b, c, d, n in groups})
    return counts


def _summed(groups: Iterable[Group], bases: Iterable[tuple[Group, int, int]]) -> Counts:
    found: dict[Group, Counter[int]] = {}
    for group, base, count in bases:
        found.setdefault(group, Counter())[base] += count
    return Counts(Counter(groups), found)


def _tag_counts(models: QuerySet[Model]) -> Counter[str]:
    rows = (
        ModelTag.objects.filter(model__in=models.order_by().values("pk"))
        .order_by()
        .values_list("tag__name")
    )
    return Counter(dict(rows.annotate(n=Count("pk"))))
