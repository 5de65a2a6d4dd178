"""What is asked about people: threads, notices, follows, teams, collections; pages and our API."""

from django.db.models import Max

from hub.accounts.models import Team, User
from hub.comments.models import Comment, Notice
from hub.core.pagination import encode_cursor
from models_registry.models.collection import Collection
from tests.load.measure import Ask, Case
from tests.load.page_cases import DEPTHS, PEOPLE
from tests.load.samples import Samples, spread

API = "/api/v2"


def people_cases(samples: Samples) -> list[Case]:
    """Return the cases around people."""
    return [*_comments(samples), *_notices(), *_follows(), *_teams(), *_collections()]


def _comments(samples: Samples) -> list[Case]:
    below = Comment.objects.exclude(image=None).order_by("pk")
    pictures = spread(below.values_list("image_id", flat=True), 10)
    models = samples.models
    pages = [f"/models/{slug}/comments/" for _pk, slug in models]
    pages += [f"/images/{pk}/comments/" for pk in pictures]
    threads = [f"{API}/models/{pk}/comments/" for pk, _slug in models]
    reviews = [f"/models/{slug}/reviews/" for _pk, slug in models]
    few, many = Ask(f"{threads[0]}?limit=1"), Ask(f"{threads[0]}?limit=20")
    return [
        Case("comments", _everybody(pages, is_partial=True)),
        Case("reviews", _everybody(reviews, is_partial=True)),
        Case("API v2 comments", _everybody(threads), pair=(few, many)),
    ]


def _notices() -> list[Case]:
    rows = Notice.objects.filter(person__username=PEOPLE[0])
    newest = rows.aggregate(last=Max("pk"))["last"] or 0
    deep = [f"cursor={encode_cursor([int(newest * (1 - depth))])}" for depth in DEPTHS[:2]]
    asks = [Ask(f"/mentions/?{query}", PEOPLE[0]) for query in ("", *deep)]
    return [
        Case("mentions", [*asks, *(Ask("/mentions/", person) for person in PEOPLE)]),
        Case(
            "API v2 mentions",
            [Ask(f"{API}/mentions/", person) for person in PEOPLE],
            pair=(
                Ask(f"{API}/mentions/?limit=2", PEOPLE[0]),
                Ask(f"{API}/mentions/?limit=50", PEOPLE[0]),
            ),
        ),
    ]


def _follows() -> list[Case]:
    names = [*PEOPLE, "person1", "person50", "person999"]
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    return [
        Case("following", [Ask("/following/", person) for person in PEOPLE]),
        Case("person", _everybody([f"/people/{name}/" for name in names if name in known])),
    ]


def _teams() -> list[Case]:
    asks = []
    for person in PEOPLE:
        slugs = Team.objects.filter(memberships__user__username=person)
        asks += [Ask(f"/teams/{slug}/", person) for slug in slugs.values_list("slug", flat=True)]
    return [Case("team", [*asks, *(Ask("/teams/", person) for person in PEOPLE)])]


def _collections() -> list[Case]:
    public = Collection.objects.filter(visibility="public").order_by("pk")
    keys = spread(public.values_list("pk", flat=True), 10)
    pages = [f"/collections/{key}/" for key in keys]
    found = ["/collections/", "/collections/?mine=1", f"{API}/collections/"]
    listed = [f"{API}/collections/{keys[0]}/models/?limit={limit}" for limit in (2, 50)]
    return [
        Case("collections", [Ask(url, person) for url in found for person in ("", *PEOPLE)]),
        Case("collection", _everybody(pages), pair=(Ask(listed[0]), Ask(listed[1]))),
    ]


def _everybody(urls: list[str], *, is_partial: bool = False) -> list[Ask]:
    """Every address, by guests and by somebody in turn."""
    return [
        Ask(url, PEOPLE[0] if at % 2 else "", is_partial=is_partial) for at, url in enumerate(urls)
    ]
