"""The number beside Queue in the header."""

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import ngettext

from hub.accounts.models import User
from training.jobs.models.job import LEASED, State
from training.jobs.queries import jobs_of

ACTIVE_STATES = (State.QUEUED, *LEASED)


def active_job_count(user: User | AnonymousUser) -> int:
    """Jobs that wait or run and that this person may see."""
    return jobs_of(user, states=ACTIVE_STATES).count()


def queue_sentence(count: int) -> str:
    """What the number means, for readers."""
    words = ngettext("%(n)d job waiting or running", "%(n)d jobs waiting or running", count)
    return words % {"n": count}
