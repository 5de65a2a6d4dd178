"""The one rule of who sees a picture or a post, as a condition on its columns."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from hub.accounts.models import Membership, User
from hub.core.visibility import Visibility


def shared_with(user: User | AnonymousUser) -> Q:
    """Rows that `user` may see by owner, team and visibility; administrators see all."""
    if not user.is_authenticated:
        return Q(visibility=Visibility.PUBLIC)
    if user.is_superuser:
        return Q()
    teams = Membership.objects.filter(user_id=user.pk).values("team_id")
    return (
        Q(visibility=Visibility.PUBLIC)
        | Q(owner_id=user.pk)
        | Q(visibility=Visibility.TEAM, team_id__in=teams)
    )
