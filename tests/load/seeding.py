"""A large registry and gallery from one seed: the same rows every time.

Popularity is skewed as on public hubs: a few models have most of the downloads and pictures.
"""

import sys
import time

from django.db import connection, transaction

from tests.load import gallery_data, people_data, registry_data
from tests.load.keys import first_keys
from tests.load.series import unindexed
from tests.load.size import Size

STEPS = (
    ("people", people_data.people),
    ("stored files", registry_data.blobs),
    ("versions", registry_data.versions),
    ("files", registry_data.files),
    ("models", registry_data.models),
    ("covers", registry_data.covers),
    ("images", gallery_data.images),
    ("what they were made with", gallery_data.resources),
    ("what people do", people_data.bonds),
)


def seed(size: Size) -> None:
    """Fill an empty, migrated database; a failure leaves it empty."""
    with transaction.atomic():
        keys = first_keys()
        begun = time.monotonic()
        with unindexed():
            for name, step in STEPS:
                begun = time.monotonic()
                step(size, keys)
                _tell(name, begun)
            begun = time.monotonic()
        _tell("indexes and foreign keys", begun)
    begun = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    _tell("statistics", begun)


def _tell(name: str, begun: float) -> None:
    sys.stderr.write(f"{name}: {time.monotonic() - begun:.0f} s\n")
    sys.stderr.flush()
