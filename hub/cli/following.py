"""Following a training run: its numbered messages, asked for again and again, none lost or twice.

Asking is robust where sockets are not (proxies, sleeping laptops): after a broken line the next
question simply names the last number that came.
"""

from collections.abc import Callable
from typing import Any

from hub.cli.errors import RunCanceled, RunFailed, Unreachable
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.terminal import Terminal

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 10.0
SLOWER = 1.5
PATIENCE = 10  # questions in a row without an answer

Event = dict[str, Any]


def follow(
    hub: HubClient, run: str, terminal: Terminal, show: Callable[[Event], None], *, after: int = 0
) -> dict[str, Any]:
    """Show every message after the number `after` until the run is over; returns the run.

    Raises RunFailed or RunCanceled when it ended so, Unreachable after PATIENCE questions.
    """
    last, seconds, unanswered = after, FIRST_SECONDS, 0
    while True:
        try:
            answer = hub.get(f"jobs/{run}/events/", after=last)
        except Unreachable:
            unanswered += 1
            if unanswered >= PATIENCE:
                raise
            terminal.wait(min(FIRST_SECONDS * 2**unanswered, LONGEST_SECONDS))
            continue
        unanswered = 0
        for event in answer["items"]:
            show(event)
        last = answer["last_sequence"]
        if answer["is_final"]:
            if answer["items"]:
                continue  # the next answer may hold more
            break
        seconds = FIRST_SECONDS if answer["items"] else min(seconds * SLOWER, LONGEST_SECONDS)
        terminal.wait(seconds)
    return _ended(hub.get(f"jobs/{run}/"))


def _ended(job: dict[str, Any]) -> dict[str, Any]:
    if job["state"] == "failed":
        reason = job["error_message"] or _("The hub gives no reason.")
        message = _("Run {number} failed. {reason}").format(number=job["number"], reason=reason)
        raise RunFailed(message, code=job["error_code"])
    if job["state"] == "canceled":
        raise RunCanceled(_("Run {number} was canceled.").format(number=job["number"]))
    return job
