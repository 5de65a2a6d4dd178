"""Posts, pictures, their generation data, and the versions that they were made with."""

from importlib import import_module

from django.db import connection

from gallery.models.generation import Generation
from gallery.models.image import Image
from gallery.models.post import Post
from gallery.models.resource import ImageResource
from hub.accounts.models import User
from hub.storage.models import Blob
from models_registry.models.base_model import BaseModel
from models_registry.models.version import ModelVersion
from tests.load.keys import Keys, one_of
from tests.load.registry_data import HOUR
from tests.load.series import fill, pick, quoted, random
from tests.load.size import Size
from tests.load.words import ADJECTIVES, BLURHASH, NEGATIVE, PLACEHOLDER, PROMPT_TAIL, THINGS

IN_POST = 4
#: The words of all prompts, as they are written for prompts that are there already.
FILL = import_module("gallery.migrations.0005_words_of_prompts").FILL


def images(size: Size, keys: Keys) -> None:
    """Four pictures in a post, each with its generation data."""
    fill(
        Post,
        size.posts,
        {
            "owner_id": one_of(keys, User, size.people, "poster", 2),
            "model_version_id": one_of(keys, ModelVersion, size.versions, "posted", 3),
            "published_at": f"now() - n * {HOUR} / 10",
            "image_count": str(IN_POST),
        },
    )
    fill(Image, size.posts * IN_POST, _image(size, keys))
    prompt = f"{pick(ADJECTIVES, 'p1')} || ' ' || {pick(THINGS, 'p2')} || ', ' || n"
    tail = quoted(f", {PROMPT_TAIL}")
    settings = "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Size: 512x768"
    text = f"{prompt} || {tail} || E'\\nNegative prompt: ' || {quoted(NEGATIVE)}"
    fill(
        Generation,
        size.posts * IN_POST,
        {
            "image_id": f"{keys[Image]} + n - 1",
            "source": "'a1111'",
            "data": "'{}'::jsonb",
            "copy_text": f"{text} || E'\\n' || {quoted(settings + ', Seed: ')} || n",
            "prompt": f"{prompt} || {tail}",
            "search_words": f"{prompt} || {tail}",
            "negative_prompt": quoted(NEGATIVE),
            "steps": "20",
            "sampler": "'DPM++ 2M'",
            "seed": "n",
        },
    )
    with connection.cursor() as cursor:
        cursor.execute(FILL)


def _image(size: Size, keys: Keys) -> dict[str, str]:
    post = f"((n - 1) / {IN_POST})"
    bases = BaseModel.objects.order_by("pk").values_list("pk", flat=True)[:12]
    base = pick([str(pk) for pk in bases], "image base", power=2)
    liked = f"1 / (0.001 + {random('liked')})"
    return {
        "owner_id": f"{keys[User]} + {post} %% {size.people}",
        "post_id": f"{keys[Post]} + {post}",
        "position": f"(n - 1) %% {IN_POST}",
        "blob_id": f"{keys[Blob]} + {size.files} + n - 1",
        "filename": "n || '.png'",
        "width": "512",
        "height": "768",
        "visibility": "CASE WHEN n %% 40 = 0 THEN 'private' ELSE 'public' END",
        "nsfw_level": "CASE WHEN n %% 9 = 0 THEN 4 WHEN n %% 13 = 0 THEN 16 ELSE 1 END",
        "status": "'ready'",
        "published_at": f"now() - {post} * {HOUR} / 10",
        "base_model_id": f"({base})::bigint",
        "placeholder": quoted(PLACEHOLDER),
        "average_colour": "'#8090a0'",
        "blurhash": quoted(BLURHASH),
        "reaction_count": f"floor({liked})::int",
        "comment_count": f"floor({liked} / 20)::int",
        "has_generation_data": "n %% 8 > 0",
    }


def resources(size: Size, keys: Keys) -> None:
    """A checkpoint and a LoRA for every picture; the best-known ones have most of them."""
    for position, (kind, power) in enumerate((("checkpoint", 4), ("lora", 3))):
        # the two lists never name the same version: one takes even keys, the other odd ones
        version = f"2 * floor(power({random(kind)}, {power}) * {size.versions // 2 - 1})::int"
        fill(
            ImageResource,
            size.posts * IN_POST,
            {
                "image_id": f"{keys[Image]} + n - 1",
                "position": str(position),
                "kind": f"'{kind}'",
                "version_id": f"{keys[ModelVersion]} + {version} + {position}",
                "match": "'hash'",
                "name": f"'{kind} ' || n",
            },
        )
