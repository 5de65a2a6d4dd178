"""What a card prints of a model's newest version: its words and its first picture.

Read as plain rows, in two queries that are put together once: see catalogue_facts.
"""

from collections.abc import Iterable

from hub.core.lookups import KeyedRows, among, row_of
from hub.storage.models import Blob
from models_registry.catalogue_facts import BLOB_COLUMNS, words_of
from models_registry.models.cover import VersionCover
from models_registry.models.model import Model

#: Columns of the newest version that no card prints.
NOT_ON_CARDS = tuple(
    f"latest_version__{name}"
    for name in (
        *("description", "changelog", "usage_tips", "prompt_advice", "negative_advice"),
        *("cfg_note", "training_config"),
    )
)
COVER_COLUMNS = tuple(
    field.attname
    for field in VersionCover._meta.concrete_fields
    if field.attname != "generation_text"
)
_first_covers = KeyedRows(
    lambda versions: (
        VersionCover.objects.filter(among("version", versions))
        .order_by("version_id", "position", "pk")
        .distinct("version_id")
        .values_list(*COVER_COLUMNS, *(f"blob__{name}" for name in BLOB_COLUMNS))
    )
)


def attach_card_facts(models: Iterable[Model]) -> None:
    """Give every newest version its `loaded_words` and its `first_cover`; two queries."""
    versions = {model.latest_version.pk: model.latest_version for model in models
                if model.latest_version is not None}  # fmt: skip
    words = words_of(versions)
    width, at = len(COVER_COLUMNS), COVER_COLUMNS.index("version_id")
    for key, version in versions.items():
        version.loaded_words = [word for row in words[key] for word in row.words]
        version.first_cover = None
    for values in _first_covers(versions):
        blob = row_of(Blob, BLOB_COLUMNS, values[width:])
        version = versions[values[at]]
        version.first_cover = row_of(
            VersionCover, COVER_COLUMNS, values[:width], version=version, blob=blob
        )
