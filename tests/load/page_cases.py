"""What is asked of the pages: every order, filters alone and together, deep, signed in and not."""

from itertools import cycle, islice
from urllib.parse import quote, urlencode

from gallery.queries import ImageSort
from models_registry.filters import Sort
from models_registry.models.model import Subject
from models_registry.models.terms import LicenceName
from tests.load.measure import Ask, Case
from tests.load.samples import Samples
from tests.load.words import ADJECTIVES, CHINESE, THINGS

SORTS = [sort for sort in Sort if sort is not Sort.RELEVANCE]
DEPTHS = (0.001, 0.1, 0.5, 0.9)
PEOPLE = ("person7", "person12", "person2")
TYPOS = ["dragn", "portrat", "watercolor", "landscpe", "castel", "armuor", "vintge castle"]
COMMON = [*THINGS, *ADJECTIVES[:4], *CHINESE, "水墨", "por", "v1", "pictures"]
RARE = ["golden dragon", "neon 4242", "frozen castle watercolour", "31415", "person77 ship",
        "tw4711", "水墨风格 dragon", "zzzyyyxxx", "qwertz uiop"]  # fmt: skip


def page_cases(samples: Samples) -> list[Case]:
    """Return the cases of the pages."""
    return [*_model_lists(samples), *_searches(), *_models(samples), *_images(samples), *_home()]


def combined(samples: Samples, choices: dict[str, list[str]], count: int) -> list[str]:
    """Return queries of two to four filters that are chosen from `choices`."""
    names = sorted(choices)
    found = []
    for _ in range(count):
        chosen = samples.random.sample(names, samples.random.randint(2, min(4, len(names))))
        found.append(urlencode({name: samples.random.choice(choices[name]) for name in chosen}))
    return found


def _filters(samples: Samples) -> dict[str, list[str]]:
    return {
        "type": ["LORA", "Checkpoint", "VAE", "Hypernetwork"],
        "base": samples.bases,
        "tag": samples.tags,
        "subject": list(Subject.values),
        "format": ["SafeTensor", "PickleTensor"],
        "precision": ["fp16", "bf16"],
        "licence": list(LicenceName.values)[:4],
        "commercial": ["Sell", "Image"],
        "verified": ["1"],
        "trained": ["1"],
        "by": ["person1", "person50", "person999"],
        "sort": [sort.value for sort in SORTS],
    }


def _model_lists(samples: Samples) -> list[Case]:
    filters = _filters(samples)
    single = [f"/models/?{name}={quote(v)}" for name in filters for v in filters[name][:6]]
    deep = [f"/models/?sort={s}&cursor={samples.cursor(s, d)}" for s in SORTS for d in DEPTHS]
    mixed = [f"/models/?{query}" for query in combined(samples, filters, 60)]
    scopes = [f"/models/?scope={scope}" for scope in ("team", "mine", "saved", "following")]
    own = ["/models/", "/models/?unseen=1", "/models/?scope=hidden", *scopes]
    return [
        Case("model list", _everybody([f"/models/?sort={sort}" for sort in SORTS])),
        Case("model list, deep", _everybody(deep)),
        Case("model list, one filter", _everybody(single)),
        Case("model list, several filters", _everybody(mixed)),
        Case("model list, own", [Ask(url, person) for url in own for person in PEOPLE]),
    ]


def _searches() -> list[Case]:
    def asks(words: list[str]) -> list[Ask]:
        tails = islice(cycle(["", "", "&type=LORA", "&sort=downloads", "&verified=1"]), len(words))
        return _everybody([f"/models/?q={quote(w)}{t}" for w, t in zip(words, tails, strict=True)])

    return [
        Case("model search, common words", asks(COMMON)),
        Case("model search, rare words", asks(RARE * 3)),
        Case("model search, typos", asks(TYPOS * 3)),
        Case("search page", _everybody([f"/search/?q={quote(w)}" for w in COMMON + RARE])),
    ]


def _models(samples: Samples) -> list[Case]:
    urls = [f"/models/{slug}/" for _pk, slug in samples.models]
    older = [f"{url}?v=1" for url in urls]
    few, many = (Ask(f"/models/{slug}/") for slug in samples.alike)
    return [Case("model page", _everybody(urls + older), pair=(few, many))]


def _images(samples: Samples) -> list[Case]:
    deep = [f"/images/?sort={s}&cursor={samples.image_cursor(s, d)}"
            for s in ImageSort for d in DEPTHS]  # fmt: skip
    filters = {
        "base": samples.bases,
        "model": [str(pk) for pk, _slug in samples.models],
        "author": ["person1", "person50", "person999"],
        "version": [str(pk) for pk in samples.versions],
        "prompt": ["1"],
        "q": [*COMMON[:6], *RARE[:6]],
        "sort": list(ImageSort),
    }
    single = [f"/images/?{name}={quote(v)}" for name in filters for v in filters[name][:12]]
    mixed = [f"/images/?{query}" for query in combined(samples, filters, 40)]
    own = [Ask(f"/images/?scope={s}", p) for s in ("team", "mine") for p in PEOPLE]
    plain = [f"/images/{pk}/" for pk in samples.images]
    among = [f"{url}?{q}" for url, q in zip(plain, combined(samples, filters, 40), strict=False)]
    return [
        Case("images", _everybody([f"/images/?sort={sort}" for sort in ImageSort])),
        Case("images, deep", _everybody(deep)),
        Case("images, one filter", _everybody(single)),
        Case("images, several filters", _everybody(mixed)),
        Case("images, own", own),
        Case("image page", _everybody(plain)),
        Case("image page, in a filtered list", _everybody(among)),
    ]


def _home() -> list[Case]:
    return [Case("home", [Ask("/"), *(Ask("/", person) for person in PEOPLE)] * 5)]


def _everybody(urls: list[str]) -> list[Ask]:
    """Every address, by guests and by people in turn."""
    people = cycle(["", PEOPLE[0], "", PEOPLE[1]])
    return [Ask(url, person) for url, person in zip(urls, people, strict=False)]
