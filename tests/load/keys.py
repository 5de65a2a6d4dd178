"""Keys of rows that are made in bulk: each table counts on from where it stands."""

from collections.abc import Mapping

from django.db import connection, models

from gallery.models.image import Image
from gallery.models.post import Post
from hub.accounts.models import Team, User
from hub.comments.models import Comment
from hub.storage.models import Blob
from models_registry.models.collection import Collection
from models_registry.models.file import ModelFile
from models_registry.models.model import Model
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWordSet
from tests.load.series import random

COUNTED = (
    *(User, Team, Tag, Model, ModelVersion, ModelFile, TriggerWordSet, Blob, Post, Image),
    *(Comment, Collection),
)
Keys = Mapping[type[models.Model], int]


def first_keys() -> Keys:
    """Return the key that the first new row of each counted table will have."""
    return {model: _first_key(model) for model in COUNTED}


def one_of(keys: Keys, model: type[models.Model], count: int, salt: str, power: float = 1) -> str:
    """Return SQL for the key of one of `count` rows; a power above 1 prefers the first ones."""
    return f"{keys[model]} + floor(power({random(salt)}, {power}) * {count})::int"


def _first_key(model: type[models.Model]) -> int:
    """Return the next key of a table and take it, so that the series starts right after."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{model._meta.db_table}', 'id'))")
        return int(cursor.fetchone()[0]) + 1
