"""People, their teams, and what they do with models: save, hide, look at, follow, judge, say."""

from hub.accounts.models import Membership, Role, Team, User
from hub.comments.models import Comment
from models_registry.models.bookmark import Bookmark
from models_registry.models.engagement import ModelEngagement, PersonFollow, TagFollow
from models_registry.models.model import Model
from models_registry.models.review import Review
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from tests.load.keys import Keys, one_of
from tests.load.series import fill, pick
from tests.load.size import Size
from tests.load.words import ADVICE

#: Rows of each person; the models are spread by a step that meets none twice.
SAVED, HIDDEN, SEEN, LIKED, FOLLOWED = 20, 10, 60, 20, 5
STRIDE = 7919


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
    said = {
        "model_id": model,
        "author_id": f"{keys[User]} + n %% {size.people}",
        "text": pick(ADVICE, "said"),
    }
    judged = {
        "version_id": f"({versions} {model} ORDER BY index LIMIT 1)",
        "rating": "1 + n %% 5",
        "recommended": "n %% 5 > 1",
    }
    fill(Review, rows, said | judged)
    fill(Comment, rows, said)
