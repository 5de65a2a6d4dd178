"""What is asked of the API that speaks Civitai's language, as its clients ask."""

from urllib.parse import quote

from gallery.queries import ImageSort
from hub.api.civitai.parameters import SORTS
from models_registry.models.file_hash import MIN_PREFIX, HashKind
from tests.load.measure import Ask, Case
from tests.load.page_cases import COMMON, DEPTHS, PEOPLE, RARE, TYPOS, combined
from tests.load.samples import Samples

MODELS = "/api/v1/models"
VERSIONS = "/api/v1/model-versions"
IMAGES = "/api/v1/images"
NAMES = "/api/v2/files/by-name/"
IMAGE_SORTS = ("Most Reactions", "Most Comments", "Newest", "Oldest")


def api_cases(samples: Samples) -> list[Case]:
    """Return the cases of the API."""
    return [*_models(samples), *_one(samples), *_hashes(samples), *_images(samples), *_lists()]


def _models(samples: Samples) -> list[Case]:
    sorts = [f"sort={quote(sort)}" for sort in SORTS]
    deep = [f"limit=100&sort={quote(name)}&cursor={samples.cursor(sort, depth)}"
            for name, sort in SORTS.items() for depth in DEPTHS]  # fmt: skip
    filters = {
        "types": ["LORA", "Checkpoint", "VAE", "LORA,LoCon"],
        "baseModels": samples.bases,
        "tag": samples.tags,
        "username": ["person1", "person50", "person999"],
        "nsfw": ["true", "false", "soft"],
        "period": ["Week", "Month", "Year"],
        "fileFormats": ["SafeTensor", "PickleTensor"],
        "allowCommercialUse": ["Sell", "Image"],
        "sort": list(SORTS),
        "limit": ["10", "20", "100"],
    }
    words = [f"query={quote(word)}&limit=20" for word in COMMON + RARE + TYPOS]
    single = [f"{name}={quote(v)}" for name in filters for v in filters[name][:5]]
    own = [Ask(f"{MODELS}?{q}=true", person) for q in ("favorites", "hidden") for person in PEOPLE]
    pair = (Ask(f"{MODELS}?limit=10"), Ask(f"{MODELS}?limit=100"))
    return [
        _case("API models, 100", MODELS, [f"limit=100&{sort}" for sort in sorts] * 3, pair=pair),
        _case("API models, 20", MODELS, [f"limit=20&{sort}" for sort in sorts] * 3),
        _case("API models, deep", MODELS, [*deep, "limit=100&page=10", "limit=20&page=50"]),
        _case("API models, one filter", MODELS, single),
        _case("API models, several filters", MODELS, combined(samples, filters, 60)),
        _case("API search", MODELS, words),
        Case("API models, own", own),
    ]


def _one(samples: Samples) -> list[Case]:
    models = [Ask(f"{MODELS}/{pk}") for pk, _slug in samples.models]
    versions = [Ask(f"{VERSIONS}/{pk}") for pk in samples.versions]
    mini = [Ask(f"{VERSIONS}/mini/{pk}") for pk in samples.versions]
    return [
        Case("API model", models, pair=(models[0], models[-1])),
        Case("API version", versions),
        Case("API version, mini", mini),
    ]


def _hashes(samples: Samples) -> list[Case]:
    kinds = [kind for kind in HashKind if kind is not HashKind.SSHS]
    whole = {kind: samples.hashes(kind) for kind in kinds}
    short = [value[:length] for kind in kinds for value in whole[kind]
             for length in (10, 12, 16, 32) if length < len(value)]  # fmt: skip
    asked = [value for kind in kinds for value in (*whole[kind], *map(str.lower, whole[kind]))]
    digits = samples.hashes(HashKind.SHA256, 100)
    many = digits + [value[::-1] for value in digits]
    path = f"{VERSIONS}/by-hash"
    return [
        Case("API by hash", [Ask(f"{path}/{value}") for value in asked]),
        Case("API by hash, shortened", [Ask(f"{path}/{value}") for value in short]),
        Case(
            "API by 100 hashes",
            [Ask(path, body=digits)] * 8,
            pair=(Ask(path, body=digits[:2]), Ask(path, body=digits)),
        ),
        Case("API ids of 10,000 hashes", [Ask(f"{path}/ids", body=(many * 50)[:10_000])] * 4),
        Case("API by file name", [Ask(f"{NAMES}?name={quote(n)}") for n in samples.file_names]),
        Case("search page, hashes", [Ask(f"/search/?q={v[:MIN_PREFIX]}") for v in asked[:40]]),
    ]


def _images(samples: Samples) -> list[Case]:
    sorts = [f"sort={quote(sort)}" for sort in IMAGE_SORTS]
    newest = [samples.image_cursor(ImageSort.NEWEST, depth) for depth in DEPTHS]
    filters = {
        "modelId": [str(pk) for pk, _slug in samples.models],
        "modelVersionId": [str(pk) for pk in samples.versions],
        "username": ["person1", "person50", "person999"],
        "nsfw": ["None", "Soft", "X", "true"],
        "period": ["Day", "Week", "Month"],
        "baseModels": samples.bases,
        "requiringMeta": ["true"],
        "sort": list(IMAGE_SORTS),
    }
    single = [f"{name}={quote(v)}" for name in filters for v in filters[name][:12]]
    pair = (Ask(f"{IMAGES}?limit=10"), Ask(f"{IMAGES}?limit=100"))
    return [
        _case("API images", IMAGES, [*sorts * 3, *(f"{s}&limit=200" for s in sorts)], pair=pair),
        _case("API images, with meta", IMAGES, [f"{s}&withMeta=true" for s in sorts] * 3),
        _case("API images, deep", IMAGES, [f"sort=Newest&cursor={cursor}" for cursor in newest]),
        _case("API images, one filter", IMAGES, single),
        _case("API images, several filters", IMAGES, combined(samples, filters, 60)),
        _case("API images, random", IMAGES, ["sort=Random&limit=20"] * 6),
    ]


def _lists() -> list[Case]:
    pages = ["", "page=2", "page=40", "limit=200"]
    return [
        _case("API creators", "/api/v1/creators", [*pages, "query=person1", "query=person99"]),
        _case("API tags", "/api/v1/tags", [*pages, "query=ink", "query=dragon"]),
        _case("API users", "/api/v1/users", ["query=person1", "query=person99"]),
    ]


def _case(name: str, path: str, queries: list[str], pair: tuple[Ask, Ask] | None = None) -> Case:
    """Every query, by guests and by somebody in turn."""
    people = ("", "", PEOPLE[0])
    asks = [Ask(f"{path}?{q}", people[at % len(people)]) for at, q in enumerate(queries)]
    return Case(name, asks, pair)
