"""Models with versions, files, hashes, words, tags and covers."""

from hub.accounts.models import Team, User
from hub.storage.models import Blob
from models_registry.models.base_model import BaseModel
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model, Subject
from models_registry.models.stamp import ModelStamp
from models_registry.models.tag import ModelTag, Tag
from models_registry.models.terms import LicenceName
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord, TriggerWordSet
from tests.load.keys import Keys, one_of
from tests.load.series import SERIES, fill, pick, quoted, random
from tests.load.size import Size
from tests.load.words import (
    ADJECTIVES,
    ADVICE,
    BLURHASH,
    CHINESE,
    CHINESE_INDEXED,
    PLACEHOLDER,
    THINGS,
)

TYPES = ["LORA", "Checkpoint", "TextualInversion", "LoCon", "VAE", "Hypernetwork"]
HOUR = "interval '1 hour'"
COVERS, WORDS, TAGS = 3, 2, 3
#: Kind and digits of the hashes of each file.
HASHES = {"SHA256": 64, "AutoV1": 8, "AutoV2": 10, "AutoV3": 12, "BLAKE3": 64, "CRC32": 8}
#: How many versions the model number m has; 3,000 in each thousand models.
VERSIONS_OF = """CASE WHEN m %% 1000 = 0 THEN 100 WHEN m %% 100 = 0 THEN 30
 WHEN m %% 10 = 0 THEN 10 WHEN m %% 1000 < 78 THEN 1 ELSE 2 END"""
#: n counts the versions, m the models, i the versions of the model.
VERSION_SERIES = f"""(SELECT row_number() OVER (ORDER BY m, i) AS n, m, i
 FROM generate_series(1, {{rows}} / 3) AS models(m),
 LATERAL generate_series(1, {VERSIONS_OF}) AS versions(i)) AS series"""
#: What services.counters.refresh_facts writes of the versions of a model, and of their files.
TOLD = {
    "base_ids": "coalesce(of_versions.base_ids, '{}')",
    "file_kinds": "coalesce(of_versions.kinds, '{}')",
}
OF_VERSIONS = f"""LEFT JOIN (SELECT model_id, array_agg(DISTINCT base_model_id) AS base_ids,
 array_agg(DISTINCT word) FILTER (WHERE scan_status = 'Success' AND word > '') AS kinds
 FROM {ModelVersion._meta.db_table} AS version
 JOIN {ModelFile._meta.db_table} AS file ON file.version_id = version.id,
 LATERAL (VALUES (format || '/' || precision), (format || '/'), ('/' || precision)) AS f(form),
 LATERAL (VALUES (form), (base_model_id || ':' || form)) AS w(word)
 WHERE version.status = 'Published' GROUP BY model_id
) AS of_versions ON of_versions.model_id = {{first}} + n - 1"""
DIGEST = "md5('blob' || n) || md5('bolb' || n)"


def blobs(size: Size, keys: Keys) -> None:
    """Model files first, then pictures."""
    kind = f"CASE WHEN n <= {size.files} THEN 'application/octet-stream' ELSE 'image/png' END"
    columns = {"sha256": DIGEST, "size_bytes": "150000000 + n", "content_type": kind}
    fill(Blob, size.files + size.images, columns)


def models(size: Size, keys: Keys) -> None:
    """Models with tags; their versions and files are there already."""
    fill(Tag, size.tags, {"name": f"{pick(THINGS, 'tag')} || '-' || n"})
    columns = _terms(size, keys) | _texts(size) | _counters(size, keys) | TOLD
    fill(Model, size.models, columns, source=f"{SERIES} {OF_VERSIONS.format(first=keys[Model])}")
    stamps = {"model_id": f"{keys[Model]} + n - 1", "value": "nextval('models_registry_stamps')"}
    fill(ModelStamp, size.models, stamps)
    part = size.tags // TAGS
    fill(
        ModelTag,
        size.models * TAGS,
        {
            "model_id": f"{keys[Model]} + (n - 1) / {TAGS}",
            "tag_id": f"{keys[Tag]} + ((n - 1) %% {TAGS}) * {part}"
            f" + floor(power({random('tagged')}, 2) * {part})::int",
            "position": f"(n - 1) %% {TAGS}",
        },
    )


def _texts(size: Size) -> dict[str, str]:
    """Every twentieth model has a Chinese name."""
    name = (
        f"initcap({pick(ADJECTIVES, 'adjective')} || ' ' || {pick(THINGS, 'thing')}) || ' ' ||"
        f" CASE WHEN n %% 20 = 0 THEN {pick(CHINESE, 'chinese')} ELSE n::text END"
    )
    bigrams = f"CASE WHEN n %% 20 = 0 THEN {pick(CHINESE_INDEXED, 'chinese')} || ' ' ELSE '' END"
    advice = f"array[{', '.join(quoted(text) for text in ADVICE)}]"
    return {
        "name": name,
        "slug": "'model-' || n",
        "description": f"'Made for ' || {pick(THINGS, 'about')} || ' pictures, take ' || n ||"
        f" E'.\\n\\n' || ({advice})[1 + n %% 5] || E'\\n\\n' || ({advice})[1 + n / 5 %% 5]",
        "search_words": f"{bigrams} || {pick(THINGS, 'word')} || ' person' || n %% {size.people}"
        f" || ' tw' || n || ' v1 v2 ' || {pick(THINGS, 'tag')} || '-' || (1 + n %% {size.tags})",
    }


def _terms(size: Size, keys: Keys) -> dict[str, str]:
    """A few drafts, private, unlisted and team models; most are safe for work."""
    return {
        "owner_id": one_of(keys, User, size.people, "owner", 2),
        "team_id": f"CASE WHEN n %% 5 = 0 THEN {one_of(keys, Team, size.teams, 'team')} END",
        "type": pick(TYPES, "type", power=2),
        "subject": pick(["", *Subject.values], "subject"),
        "licence": pick(["", *LicenceName.values], "licence", power=2),
        "nsfw_level": "CASE WHEN n %% 7 = 0 THEN 4 WHEN n %% 11 = 0 THEN 16 ELSE 1 END",
        "status": "CASE WHEN n %% 25 = 0 THEN 'Draft' ELSE 'Published' END",
        "visibility": "CASE WHEN n %% 30 = 0 THEN 'private' WHEN n %% 45 = 0 THEN 'unlisted'"
        " WHEN n %% 35 = 0 THEN 'team' ELSE 'public' END",
        "allow_commercial_use": "CASE WHEN n %% 8 = 0 THEN '{Image,RentCivit}'"
        " WHEN n %% 9 = 0 THEN '{}' ELSE '{Sell}' END::varchar[]",
        "is_verified": "n %% 10 > 0",
        "is_trained_here": "n %% 17 = 0",
    }


def _counters(size: Size, keys: Keys) -> dict[str, str]:
    age = f"floor({random('age')} * 20000)"
    fame = f"(1 / (0.0001 + {random('fame')}))"
    versions = f'SELECT id FROM "{ModelVersion._meta.db_table}" WHERE model_id ='
    newest = f"{versions} {keys[Model]} + n - 1 ORDER BY index DESC LIMIT 1"
    return {
        "published_at": f"now() - {age} * {HOUR}",
        "last_version_at": f"now() - {age} * {HOUR}",
        "latest_version_id": f"({newest})",
        "download_count": f"floor({fame})::int",
        "thumbs_up_count": f"floor({fame} / 20)::int",
        "comment_count": f"floor({fame} / 50)::int",
        "bookmark_count": f"floor({fame} / 30)::int",
        "image_count": f"floor({fame} / 5)::int",
        "rating_count": f"floor({fame} / 100)::int",
        "rating_sum": f"floor({fame} / 100)::int * 4",
    }


def versions(size: Size, keys: Keys) -> None:
    """Three for each model in the mean; some have a hundred, most have two."""
    bases = list(BaseModel.objects.order_by("pk").values_list("pk", flat=True)[:12])
    base = pick([str(pk) for pk in bases], "base", power=2)
    fill(
        ModelVersion,
        size.versions,
        {
            "model_id": f"{keys[Model]} + m - 1",
            "index": "i",
            "name": "'v' || i",
            "base_model_id": f"({base})::bigint",
            "description": f"CASE WHEN n %% 3 = 0 THEN 'Take ' || n || '. ' ||"
            f" {pick(ADVICE, 'news')} ELSE '' END",
            "status": "CASE WHEN m %% 25 = 0 THEN 'Draft' ELSE 'Published' END",
            "published_at": f"now() - floor({random('made')} * 20000) * {HOUR}",
            "weight_default": "0.8",
        },
        source=VERSION_SERIES,
    )
    fill(TriggerWordSet, size.versions, {"version_id": f"{keys[ModelVersion]} + n - 1"})
    words = {
        "set_id": f"{keys[TriggerWordSet]} + (n - 1) / {WORDS}",
        "position": f"(n - 1) %% {WORDS}",
        "text": f"{pick(THINGS, 'tw')} || n",
    }
    fill(TriggerWord, size.versions * WORDS, words)


def files(size: Size, keys: Keys) -> None:
    """One for each version and, for every third, a pruned one; six hashes of each."""
    first = f"n <= {size.versions}"
    version = f"CASE WHEN {first} THEN n - 1 ELSE (n - {size.versions} - 1) * 3 END"
    fill(
        ModelFile,
        size.files,
        {
            "version_id": f"{keys[ModelVersion]} + {version}",
            "blob_id": f"{keys[Blob]} + n - 1",
            "name": "'file' || n || '.safetensors'",
            "kind": f"CASE WHEN {first} THEN 'Model' ELSE 'Pruned Model' END",
            "format": "CASE WHEN n %% 12 = 0 THEN 'PickleTensor' ELSE 'SafeTensor' END",
            "size_kind": f"CASE WHEN {first} THEN 'full' ELSE 'pruned' END",
            "precision": pick(["fp16", "fp32", "bf16"], "precision", power=2),
            "is_primary": first,
            "scan_status": "CASE WHEN n %% 50 = 0 THEN 'Pending' ELSE 'Success' END",
            "scanned_at": "CASE WHEN n %% 50 > 0 THEN now() END",
        },
    )
    for kind, length in HASHES.items():
        of_bytes = kind in {"SHA256", "AutoV2"}
        digest = DIGEST if of_bytes else f"md5('{kind}' || n) || md5(n::text)"
        value = f"upper(substr({digest}, 1, {length}))"
        columns = {"file_id": f"{keys[ModelFile]} + n - 1", "kind": f"'{kind}'", "value": value}
        fill(ModelFileHash, size.files, columns)


def covers(size: Size, keys: Keys) -> None:
    """Three pictures on the card of every version."""
    blob = f"(n - 1) / {COVERS} + ((n - 1) %% {COVERS}) * {size.images // COVERS}"
    fill(
        VersionCover,
        size.versions * COVERS,
        {
            "version_id": f"{keys[ModelVersion]} + (n - 1) / {COVERS}",
            "blob_id": f"{keys[Blob]} + {size.files} + ({blob}) %% {size.images}",
            "position": f"(n - 1) %% {COVERS}",
            "width": "512",
            "height": "768",
            "placeholder": quoted(PLACEHOLDER),
            "average_colour": "'#8090a0'",
            "blurhash": quoted(BLURHASH),
        },
    )
