"""People, their teams, and what they do with models: save, hide, look at, follow, judge, say."""

from gallery.models.image import Image
from hub.accounts.models import Membership, Role, Team, User
from hub.comments.models import Comment, Notice
from models_registry.models.bookmark import Bookmark
from models_registry.models.collection import Collection, CollectionItem
from models_registry.models.engagement import ModelEngagement, PersonFollow, TagFollow
from models_registry.models.model import Model
from models_registry.models.review import Review
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from tests.load.keys import Keys, one_of
from tests.load.series import SERIES, fill, pick
from tests.load.size import Size
from tests.load.words import ADVICE

#: Rows of each person; the models are spread by a step that meets none twice.
SAVED, HIDDEN, SEEN, LIKED, FOLLOWED = 20, 10, 60, 20, 5
STRIDE = 7919
#: Models of a collection; the first person has one of a fiftieth of all models besides.
COLLECTED = 20
#: Who is named in every tenth comment.
KNOWN_PERSON = 7


def people(size: Size, keys: Keys) -> None:
    """Everybody is in one team of ten."""
    fill(User, size.people, {"username": "'person' || n", "email": "'p' || n || '@example.org'"})
    creator = f"{keys[User]} + n - 1"
    columns = {"name": "'Studio ' || n", "slug": "'studio-' || n", "created_by_id": creator}
    fill(Team, size.teams, columns)
    fill(
        Membership,
        size.people,
        {
            "user_id": f"{keys[User]} + n - 1",
            "team_id": f"{keys[Team]} + (n - 1) %% {size.teams}",
            "role": pick(list(Role.values), "role"),
        },
    )


def bonds(size: Size, keys: Keys) -> None:
    """What the lists of people who are signed in have to take into account."""
    _each(size, keys, Bookmark, SAVED, {}, shift=0)
    for kind, share in (("hide", HIDDEN), ("seen", SEEN), ("like", LIKED), ("follow", FOLLOWED)):
        _each(size, keys, ModelEngagement, share, {"kind": f"'{kind}'"}, shift=share)
    person = f"{keys[User]} + n - 1"
    other = f"{keys[User]} + n %% {size.people}"
    fill(PersonFollow, size.people, {"follower_id": person, "person_id": other})
    tag = one_of(keys, Tag, size.tags, "followed tag")
    fill(TagFollow, size.people, {"follower_id": person, "tag_id": tag})
    _opinions(size, keys)
    _collections(size, keys)


def _each(size, keys, model, share, columns, *, shift):  # type: ignore[no-untyped-def]
    """`share` rows for each person."""
    person, number = f"((n - 1) / {share})", f"((n - 1) %% {share})"
    target = f"({person} * 37 + {number} * {STRIDE} + {shift}) %% {size.models}"
    bond = {"user_id": f"{keys[User]} + {person}", "model_id": f"{keys[Model]} + {target}"}
    fill(model, size.people * share, bond | columns)


def _opinions(size: Size, keys: Keys) -> None:
    """Reviews of first versions, and threads; the best-known models have most of them."""
    rows = size.models // 2
    model = f"{keys[Model]} + floor(power(n::float8 / {rows}, 2) * {size.models - 1})::int"
    versions = f'SELECT id FROM "{ModelVersion._meta.db_table}" WHERE model_id ='
    author = f"{keys[User]} + n %% {size.people}"
    said = {"author_id": author, "text": pick(ADVICE, "said")}
    judged = {
        "version_id": f"({versions} {model} ORDER BY index LIMIT 1)",
        "rating": "1 + n %% 5",
        "recommended": "n %% 5 > 1",
    }
    fill(Review, rows, {"model_id": model} | said | judged)
    fill(Comment, rows, {"model_id": model} | said)
    answers = {"author_id": f"{keys[User]} + (n + 1) %% {size.people}"}
    answers |= {"parent_id": f"{keys[Comment]} + n - 1"}
    fill(Comment, rows, {"model_id": model} | said | answers)
    fill(Comment, rows, {"image_id": f"{keys[Image]} + (n * 13) %% {size.images // 4 * 4}"} | said)
    _notices(size, keys, rows, author)


def _notices(size: Size, keys: Keys, rows: int, author: str) -> None:
    """Everybody is told of answers, a quarter of them unread; one person is named very often."""
    seen = "CASE WHEN n %% 4 > 0 THEN now() END"
    answered = {"person_id": author, "reason": "'answer'", "seen_at": seen}
    fill(Notice, rows, answered | {"comment_id": f"{keys[Comment]} + {rows} + n - 1"})
    named = {"person_id": f"{keys[User]} + {KNOWN_PERSON} - 1", "reason": "'mention'"}
    fill(Notice, rows // 10, named | {"comment_id": f"{keys[Comment]} + 10 * (n - 1)"})


def _collections(size: Size, keys: Keys) -> None:
    """One for each person, half of them public, and one that holds many models."""
    fill(
        Collection,
        size.people,
        {
            "owner_id": f"{keys[User]} + n - 1",
            "name": "'Collection ' || n",
            "visibility": "CASE WHEN n %% 2 = 1 THEN 'public' ELSE 'private' END",
            "updated_at": "now() - n * interval '1 hour'",
        },
    )
    place, number = f"((n - 1) / {COLLECTED})", f"((n - 1) %% {COLLECTED})"
    target = f"({place} * 53 + {number} * {STRIDE} + 1) %% {size.models}"
    fill(
        CollectionItem,
        size.people * COLLECTED,
        {
            "collection_id": f"{keys[Collection]} + {place}",
            "model_id": f"{keys[Model]} + {target}",
        },
    )
    large = {
        "collection_id": f"{keys[Collection]}",
        "model_id": f"{keys[Model]} + (n - 1) * 50",
    }
    fill(CollectionItem, size.models // 50, large, source=f"{SERIES} ON CONFLICT DO NOTHING")
