"""Who may do what with a job; shared by pages, API and sockets."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.accounts.permissions import can_manage_team
from hub.accounts.queries import is_member
from hub.core.errors import NotAllowed, NotFound
from models_registry.permissions import can_edit_model
from training.jobs.models.comparison import Comparison
from training.jobs.models.job import Job, State


def can_see_job(user: User | AnonymousUser, job: Job) -> bool:
    """The owner, members of its team, administrators."""
    if not user.is_authenticated:
        return False
    return user.is_superuser or job.owner_id == user.pk or is_member(user, job.team)


def can_control_job(user: User | AnonymousUser, job: Job) -> bool:
    """The owner, managers of the team, administrators: stop, pause, cancel, resume."""
    if not can_see_job(user, job):
        return False
    return job.owner_id == user.pk or can_manage_team(user, job.team)


def can_order_queue(user: User | AnonymousUser, team: Team) -> bool:
    """Managers of the team and administrators move jobs in the team's part of the line."""
    return can_manage_team(user, team)


def can_publish_job(user: User | AnonymousUser, job: Job) -> bool:
    """Those who control it, once it has a result."""
    return job.state == State.SUCCEEDED and can_control_job(user, job)


def can_change_comparison(user: User | AnonymousUser, comparison: Comparison) -> bool:
    """Who asked for it, and who edits the model that it is kept with: stop, retry, delete."""
    if not user.is_authenticated:
        return False
    is_own = comparison.requested_by_id == user.pk
    return is_own or can_edit_model(user, comparison.version.model)


def require_control(user: User, job: Job) -> None:
    """Raise NotFound when the job is not visible, NotAllowed when it is another person's."""
    if not can_see_job(user, job):
        raise NotFound(_("There is no such training run."))
    if not can_control_job(user, job):
        raise NotAllowed(_("Only the owner of the run and managers of the team can do this."))
