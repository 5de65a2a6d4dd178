"""Passing commands to a trainer, and ending one that does not listen."""

from __future__ import annotations

from typing import Protocol

from django.conf import settings

PAUSE = "pause"


class Commanded(Protocol):
    """What a trainer can be told."""

    def command(self, word: str) -> None:
        """Ask for something."""

    def terminate(self) -> None:
        """Ask the process to save and leave."""

    def kill(self) -> None:
        """End it at once."""


class Control:
    """Tells the trainer each wish once; after the grace time it is killed.

    Pause, cancel and the worker's own end leave a saved state behind, so a kill loses nothing but
    the steps since. "Stop and keep" has no limit: the last file and its samples take their time.
    """

    def __init__(self, trainer: Commanded) -> None:
        self._trainer = trainer
        self._told = ""
        self._told_at = 0.0
        self._grace = float(settings.JOB_STOP_GRACE_SECONDS)
        self.has_killed = False

    def tick(self, *, wish: str, is_leaving: bool, now: float) -> None:
        """Pass on what is wished; `is_leaving` means that this worker shuts down."""
        word = wish or (PAUSE if is_leaving else "")
        if is_leaving and wish == "stop":
            word = PAUSE  # the next worker finds the wish still written and finishes the run
        if word and word != self._told:
            self._trainer.command(word)
            self._told, self._told_at = word, now
        if self._told in ("", "stop") or self.has_killed:
            return
        if now - self._told_at > self._grace:
            self._trainer.kill()
            self.has_killed = True
