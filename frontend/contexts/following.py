"""`/following/`: whom and what a person follows, and what is new there."""

from dataclasses import dataclass

from frontend.contexts.components import ModelCard
from frontend.contexts.model_filters import list_url
from frontend.contexts.model_list import model_card_of
from models_registry.engagement_queries import Followed, followed_by
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.models.model import Viewer
from models_registry.queries import model_list


@dataclass(frozen=True, slots=True)
class FollowingContext:
    """The newest models, and everything that is followed."""

    cards: list[ModelCard]
    followed: Followed
    all_url: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing is followed yet."""
        return not (self.followed.people or self.followed.tags or self.followed.models)


def following_context(viewer: Viewer) -> FollowingContext:
    """The first models of the list; the rest is the list itself with this scope."""
    filters = ModelFilters(scope=Scope.FOLLOWING)
    page = model_list(viewer=viewer, filters=filters, sort=Sort.NEWEST)
    return FollowingContext(
        cards=[model_card_of(model, viewer) for model in page.items],
        followed=followed_by(viewer),
        all_url=list_url(filters, Sort.NEWEST) if page.next_cursor else "",
    )
