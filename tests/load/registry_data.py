"""A large registry and gallery from one seed: the same rows every time.

Popularity is skewed as on public hubs: a few models have most of the downloads and pictures.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import connection, models, transaction

from gallery.models.generation import Generation
from gallery.models.image import Image
from gallery.models.post import Post
from gallery.models.resource import ImageResource
from hub.accounts.models import Membership, Role, Team, User
from hub.storage.models import Blob
from models_registry.models.base_model import BaseModel
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model
from models_registry.models.tag import ModelTag, Tag
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord, TriggerWordSet
from tests.load.series import fill, pick, random

ADJECTIVES = ["soft", "neon", "vintage", "rough", "pastel", "dark", "shiny", "quiet", "wild",
              "paper", "golden", "misty", "retro", "liquid", "frozen", "crystal"]  # fmt: skip
THINGS = ["portrait", "dragon", "city", "armour", "anime", "landscape", "ink", "clay", "robot",
          "dress", "forest", "pixel", "castle", "watercolour", "ship", "garden"]  # fmt: skip
CHINESE = ["水墨风格", "国风人物", "赛博朋克", "山水画", "古装少女", "机甲"]
TYPES = ["LORA", "Checkpoint", "TextualInversion", "LoCon", "VAE", "Hypernetwork"]
Keys = Mapping[type[models.Model], int]
COUNTED = (User, Team, Tag, Model, ModelVersion, ModelFile, TriggerWordSet, Blob, Post, Image)
HOUR = "interval '1 hour'"


@dataclass(frozen=True)
class Size:
    """How many rows of the main tables."""

    models: int = 100_000
    versions: int = 300_000
    images: int = 1_000_000

    def scaled(self, factor: float) -> "Size":
        """Return the same proportions, smaller."""
        return Size(*(max(100, int(n * factor)) for n in (self.models, self.versions, self.images)))

    @property
    def people(self) -> int:
        """Return the number of people; each has a share of the models."""
        return max(20, self.models // 50)

    @property
    def tags(self) -> int:
        """Return the number of tags."""
        return max(50, self.models // 50)

    @property
    def posts(self) -> int:
        """Return the number of posts, four pictures each."""
        return self.images // 4


def seed(size: Size) -> None:
    """Fill an empty, migrated database; a failure leaves it empty."""
    steps: list[tuple[str, Callable[[Size, Keys], None]]] = [
        ("people", _people),
        ("models", _models),
        ("versions", _versions),
        ("files", _files),
        ("images", _images),
        ("what they were made with", _resources),
    ]
    with transaction.atomic():
        first = {model: _first_key(model) for model in COUNTED}
        for name, step in steps:
            begun = time.monotonic()
            step(size, first)
            sys.stderr.write(f"{name}: {time.monotonic() - begun:.0f} s\n")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _first_key(model: type[models.Model]) -> int:
    """Return the next key of a table and take it, so that the series starts right after."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{model._meta.db_table}', 'id'))")
        return int(cursor.fetchone()[0]) + 1


def _of(first: Keys, model: type[models.Model], count: int, salt: str, power: float = 1.0) -> str:
    """Return SQL for the key of one of `count` rows; a power above 1 prefers the first ones."""
    return f"{first[model]} + floor(power({random(salt)}, {power}) * {count})::int"


def _people(size: Size, first: Keys) -> None:
    count = size.people
    fill(User, count, {"username": "'person' || n", "email": "'p' || n || '@example.org'"})
    teams = max(5, count // 10)
    fill(
        Team,
        teams,
        {
            "name": "'Studio ' || n",
            "slug": "'studio-' || n",
            "created_by_id": f"{first[User]} + n - 1",
        },
    )
    fill(
        Membership,
        count,
        {
            "user_id": f"{first[User]} + n - 1",
            "team_id": f"{first[Team]} + (n - 1) %% {teams}",
            "role": pick(list(Role.values), "role"),
        },
    )


def _models(size: Size, first: Keys) -> None:
    name = (
        f"initcap({pick(ADJECTIVES, 'adjective')} || ' ' || {pick(THINGS, 'thing')}) || ' ' ||"
        f" CASE WHEN n %% 20 = 0 THEN {pick(CHINESE, 'chinese')} ELSE n::text END"
    )
    age = f"floor({random('age')} * 20000)"
    fame = f"(1 / (0.0001 + {random('fame')}))"
    fill(Tag, size.tags, {"name": f"{pick(THINGS, 'tag')} || '-' || n"})
    fill(
        Model,
        size.models,
        {
            "owner_id": _of(first, User, size.people, "owner", 2),
            "name": name,
            "slug": "'model-' || n",
            "type": pick(TYPES, "type", power=2),
            "description": f"'Made for ' || {pick(THINGS, 'about')} || ' pictures, take ' || n",
            "status": "CASE WHEN n %% 25 = 0 THEN 'Draft' ELSE 'Published' END",
            "visibility": "CASE WHEN n %% 30 = 0 THEN 'private' ELSE 'public' END",
            "published_at": f"now() - {age} * {HOUR}",
            "last_version_at": f"now() - {age} * {HOUR}",
            "download_count": f"floor({fame})::int",
            "thumbs_up_count": f"floor({fame} / 20)::int",
            "search_words": f"{pick(THINGS, 'word')} || ' person' || n %% {size.people}",
        },
    )
    fill(
        ModelTag,
        size.models * 3,
        {
            "model_id": f"{first[Model]} + (n - 1) / 3",
            "tag_id": f"{first[Tag]} + ((n - 1) %% 3) * {size.tags // 3}"
            f" + floor(power({random('tagged')}, 2) * {size.tags // 3})::int",
            "position": "(n - 1) %% 3",
        },
    )


def _versions(size: Size, first: Keys) -> None:
    bases = list(BaseModel.objects.order_by("pk").values_list("pk", flat=True)[:12])
    base = pick([str(pk) for pk in bases], "base", power=2)
    model = f"((n - 1) %% {size.models})"
    fill(
        ModelVersion,
        size.versions,
        {
            "model_id": f"{first[Model]} + {model}",
            "index": f"(n - 1) / {size.models} + 1",
            "name": f"'v' || ((n - 1) / {size.models} + 1)",
            "base_model_id": f"({base})::bigint",
            "status": f"CASE WHEN ({model} + 1) %% 25 = 0 THEN 'Draft' ELSE 'Published' END",
            "published_at": f"now() - floor({random('made')} * 20000) * {HOUR}",
            "weight_default": "0.8",
        },
    )
    fill(TriggerWordSet, size.versions, {"version_id": f"{first[ModelVersion]} + n - 1"})
    words = {"set_id": f"{first[TriggerWordSet]} + n - 1", "text": f"{pick(THINGS, 'tw')} || n"}
    fill(TriggerWord, size.versions, words)
    with connection.cursor() as cursor:
        last = f"{first[ModelVersion]} + id - {first[Model]}"
        cursor.execute(
            f'UPDATE "{Model._meta.db_table}" SET latest_version_id = {last} WHERE id >= %s',
            [first[Model]],
        )


def _files(size: Size, first: Keys) -> None:
    digest = "md5('blob' || n) || md5('bolb' || n)"
    total = size.versions + size.images
    kinds = {"content_type": f"CASE WHEN n <= {size.versions} THEN 'x' ELSE 'image/png' END"}
    fill(Blob, total, {"sha256": digest, "size_bytes": "150000000 + n", **kinds})
    fill(
        ModelFile,
        size.versions,
        {
            "version_id": f"{first[ModelVersion]} + n - 1",
            "blob_id": f"{first[Blob]} + n - 1",
            "name": "'file' || n || '.safetensors'",
            "format": "'SafeTensor'",
            "is_primary": "true",
            "scan_status": "'Success'",
            "scanned_at": "now()",
        },
    )
    for kind, length in (("SHA256", 64), ("AutoV2", 10), ("BLAKE3", 64), ("AutoV3", 12)):
        salted = digest if kind in {"SHA256", "AutoV2"} else f"md5('{kind}' || n) || md5(n::text)"
        value = f"upper(substr({salted}, 1, {length}))"
        columns = {"file_id": f"{first[ModelFile]} + n - 1", "kind": f"'{kind}'", "value": value}
        fill(ModelFileHash, size.versions, columns)
    fill(
        VersionCover,
        size.versions,
        {
            "version_id": f"{first[ModelVersion]} + n - 1",
            "blob_id": f"{first[Blob]} + {size.versions} + n %% {size.images}",
            "width": "512",
            "height": "768",
        },
    )


def _images(size: Size, first: Keys) -> None:
    fill(
        Post,
        size.posts,
        {
            "owner_id": _of(first, User, size.people, "poster", 2),
            "model_version_id": _of(first, ModelVersion, size.versions, "posted", 3),
            "published_at": f"now() - n * {HOUR} / 10",
            "image_count": "4",
        },
    )
    post = "((n - 1) / 4)"
    fill(
        Image,
        size.posts * 4,
        {
            "owner_id": f"{first[User]} + {post} %% {size.people}",
            "post_id": f"{first[Post]} + {post}",
            "position": "(n - 1) %% 4",
            "blob_id": f"{first[Blob]} + {size.versions} + n - 1",
            "filename": "n || '.png'",
            "width": "512",
            "height": "768",
            "visibility": "CASE WHEN n %% 40 = 0 THEN 'private' ELSE 'public' END",
            "status": "'ready'",
            "published_at": f"now() - {post} * {HOUR} / 10",
            "reaction_count": f"floor(1 / (0.001 + {random('liked')}))::int",
            "has_generation_data": "true",
        },
    )
    prompt = f"{pick(ADJECTIVES, 'p1')} || ' ' || {pick(THINGS, 'p2')} || ', masterpiece, ' || n"
    fill(
        Generation,
        size.posts * 4,
        {
            "image_id": f"{first[Image]} + n - 1",
            "source": "'a1111'",
            "data": "'{}'::jsonb",
            "prompt": prompt,
            "steps": "20",
            "sampler": "'DPM++ 2M Karras'",
            "seed": "n",
        },
    )


def _resources(size: Size, first: Keys) -> None:
    for position, (kind, power) in enumerate((("checkpoint", 4), ("lora", 3))):
        # the two lists never name the same version: one takes even keys, the other odd ones
        version = f"2 * floor(power({random(kind)}, {power}) * {size.versions // 2 - 1})::int"
        fill(
            ImageResource,
            size.posts * 4,
            {
                "image_id": f"{first[Image]} + n - 1",
                "position": str(position),
                "kind": f"'{kind}'",
                "version_id": f"{first[ModelVersion]} + {version} + {position}",
                "match": "'hash'",
                "name": f"'{kind} ' || n",
            },
        )
