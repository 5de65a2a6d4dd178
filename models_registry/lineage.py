"""What a version was made from and what was made from it, as far as this viewer may see."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from models_registry.models.file_hash import HashKind, ModelFileHash
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion

MAX_DEPTH = 12
MAX_RELATIVES = 200

#: Along `base_version`, upwards from one row or downwards; depth keeps a ring from going on.
UPWARDS = """
WITH RECURSIVE chain(id, parent_id, depth) AS (
    SELECT base_version_id, id, 1 FROM models_registry_modelversion
    WHERE id = %s AND base_version_id IS NOT NULL
  UNION ALL
    SELECT v.base_version_id, v.id, c.depth + 1
    FROM models_registry_modelversion v JOIN chain c ON v.id = c.id
    WHERE v.base_version_id IS NOT NULL AND c.depth < %s
) SELECT id, parent_id, depth FROM chain ORDER BY depth, id LIMIT %s
"""
DOWNWARDS = """
WITH RECURSIVE tree(id, parent_id, depth) AS (
    SELECT id, base_version_id, 1 FROM models_registry_modelversion WHERE base_version_id = %s
  UNION ALL
    SELECT v.id, v.base_version_id, t.depth + 1
    FROM models_registry_modelversion v JOIN tree t ON v.base_version_id = t.id
    WHERE t.depth < %s
) SELECT id, parent_id, depth FROM tree ORDER BY depth, id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Relative:
    """A version and how many steps away it is."""

    version: ModelVersion
    depth: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """`bases` from the nearest to the first; `hidden_base` when the nearest may not be seen."""

    bases: tuple[Relative, ...]
    descendants: tuple[Relative, ...]
    hidden_base: bool


def lineage_of(*, viewer: Viewer, version: ModelVersion) -> Lineage:
    """Both directions in a constant number of queries; what the viewer may not see is left out.

    Where a base is not linked, it is known by the hash of the file that was trained on.
    """
    up = _walk(UPWARDS, version.pk)
    if not up and version.base_model_sha256:
        up = _by_hash(viewer, version.base_model_sha256)
    down = _walk(DOWNWARDS, version.pk) + _made_by_hash(version)
    ids = {pk for pk, _depth in (*up, *down)}
    visible = ModelVersion.objects.visible_to(viewer).filter(pk__in=ids)
    rows = {row.pk: row for row in visible.select_related("model__owner", "base_model")}
    return Lineage(
        bases=_relatives(up, rows),
        descendants=_relatives(down, rows),
        hidden_base=bool(up) and up[0][0] not in rows,
    )


def _walk(sql: str, version_id: int) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [version_id, MAX_DEPTH, MAX_RELATIVES])
        depths: dict[int, int] = {}
        for pk, _parent, depth in cursor.fetchall():
            depths.setdefault(pk, depth)
    depths.pop(version_id, None)
    return list(depths.items())


def _by_hash(viewer: Viewer, sha256: str) -> list[tuple[int, int]]:
    """The version of a file, as far as the viewer may know of one.

    "A base that is not shared with you" would tell whoever names a hash that somebody has the file.
    """
    rows = ModelFileHash.objects.filter(
        kind=HashKind.SHA256,
        value=sha256.upper(),
        file__version__in=ModelVersion.objects.visible_to(viewer),
    )
    first = rows.select_related("file").order_by("file__version__published_at", "pk").first()
    return [(first.file.version_id, 1)] if first is not None else []


def _made_by_hash(version: ModelVersion) -> list[tuple[int, int]]:
    """Versions that were trained on one of this version's files before it was known here."""
    own = ModelFileHash.objects.filter(file__version=version, kind=HashKind.SHA256)
    hashes = [value.lower() for value in own.values_list("value", flat=True)]
    made = ModelVersion.objects.filter(base_version=None, base_model_sha256__in=hashes)
    made = made.exclude(base_model_sha256="").order_by("pk")
    return [(pk, 1) for pk in made.values_list("pk", flat=True)[:MAX_RELATIVES]]


def _relatives(
    found: Sequence[tuple[int, int]], rows: dict[int, ModelVersion]
) -> tuple[Relative, ...]:
    return tuple(Relative(rows[pk], depth) for pk, depth in found if pk in rows)
