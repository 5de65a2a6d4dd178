"""Waiting for a database that is away: what a run has to say is kept, and the trainer goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import connection

from hub.core.away import DATABASE_ERRORS
from training.jobs.services.transitions import LeaseLost

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
LEAVING_SECONDS = 20.0  # a worker that shuts down waits no longer: its lease gives the job back

P = ParamSpec("P")
T = TypeVar("T")


class Patience:
    """Writes until the database takes it. Every write of a worker may be repeated: it is numbered.

    `lost` is set when the job is not this attempt's any more, `stopping` when the worker leaves.
    """

    def __init__(self, *, lost: threading.Event, stopping: threading.Event) -> None:
        self._lost = lost
        self._stopping = stopping

    def write(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result, however long that takes.

        Raises LeaseLost, and the database's error when the worker has to leave without an answer.
        """
        leaving_since: float | None = None
        while True:
            try:
                return call(*args, **kwargs)
            except DATABASE_ERRORS as error:
                logger.warning("The database does not answer; it is asked again: %s", error)
                connection.close()
                if self._stopping.is_set():
                    leaving_since = leaving_since or time.monotonic()
                    if time.monotonic() - leaving_since > LEAVING_SECONDS:
                        raise
            if self._lost.wait(PAUSE_SECONDS):
                raise LeaseLost
