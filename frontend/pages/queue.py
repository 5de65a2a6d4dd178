"""The team's queue: what runs, what waits and why, and moving what waits."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import team_required
from frontend.contexts.runs import PRIORITIES, queue_context
from frontend.rendering import render_page, wants_partial
from frontend.requests import TeamRequest
from frontend.toasts import errors_as_toast
from hub.core.errors import Invalid, NotFound
from training.jobs.models.job import Job
from training.jobs.queries import job_for, queue_board
from training.jobs.services import schedule

MAX_DIGITS = 18


@require_safe
@team_required
def queue(request: TeamRequest) -> HttpResponse:
    """The team's board: running, waiting, done today, failed."""
    return _board(request)


@require_POST
@team_required
def move(request: TeamRequest, number: int) -> HttpResponse:
    """Put a waiting run before the run whose number is sent, or behind all of its owner's."""
    job = job_for(request.user, number)
    with errors_as_toast(request):
        schedule.move_in_line(actor=request.user, job=job, before=_other(request))
    return _answer(request)


@require_POST
@team_required
def set_priority(request: TeamRequest, number: int) -> HttpResponse:
    """Give a waiting run another priority."""
    job = job_for(request.user, number)
    with errors_as_toast(request):
        level = PRIORITIES.get(request.POST.get("priority", ""))
        if level is None:
            raise Invalid(_("Choose a priority."))
        schedule.set_priority(actor=request.user, job=job, priority=level)
    return _answer(request)


def _other(request: TeamRequest) -> Job | None:
    text = request.POST.get("before", "")
    if not text:
        return None
    message = _("The other run could not be read. Reload the page.")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise Invalid(message)
    try:
        return job_for(request.user, int(text))
    except NotFound as error:  # it may have gone while the row was in somebody's hand
        raise Invalid(message) from error


def _answer(request: TeamRequest) -> HttpResponse:
    return _board(request) if wants_partial(request) else redirect("queue")


def _board(request: TeamRequest) -> HttpResponse:
    board = queue_board(request.user, team=request.team, now=timezone.now())
    page = queue_context(request.user, request.team, board)
    context = {"board": page, "nav": "queue", "team": request.team}
    return render_page(request, "runs/queue.html", context, partial="board")


urlpatterns = [
    path("queue/", queue, name="queue"),
    path("queue/<int:number>/move/", move, name="queue_move"),
    path("queue/<int:number>/priority/", set_priority, name="queue_priority"),
]
