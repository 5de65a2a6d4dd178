"""The log of a run: its events as lines."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from frontend.templatetags.words import size
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import Job

LINES = 200


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line; `kind` is "" or warn."""

    at: datetime
    text: str
    kind: str = ""


def log_lines(job: Job) -> list[LogLine]:
    """The last lines, oldest first; steps are in the chart, not here."""
    events = JobEvent.objects.filter(job=job).exclude(kind=EventKind.STEPPED)
    rows = list(events.order_by("-sequence")[:LINES])
    return [line_of(event) for event in reversed(rows)]


def line_of(event: JobEvent) -> LogLine:
    """One event in words."""
    kind = "warn" if event.kind == EventKind.WARNED else ""
    return LogLine(event.at, _sentence(event.kind, event.data), kind)


def log_words() -> dict[str, str]:
    """The same sentences for the script, which adds lines while the page is open."""
    return {
        "started": _("Training starts: {images} images, {total_steps} steps, {device} {precision}"),
        "resumed": _("Training goes on at step {step} of {total_steps}"),
        "sample": _("Sample of epoch {epoch}"),
        "checkpoint": _("Saved {name}"),
        "published": _("Published as {name}"),
        "title": _("{percent}% · {name}"),
        "epoch": _("epoch {now} of {all}"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "hours": _("{h} h {m} min"),
        "loss_text": _("Loss is {loss} at step {step} of {total}."),
    }


def _sentence(kind: str, data: dict[str, Any]) -> str:
    if kind == EventKind.STARTED:
        key = "resumed" if data.get("resumed") else "started"
        return log_words()[key].format_map(_Gentle(data))
    if kind == EventKind.ARTIFACT:
        if data.get("kind") == "sample":
            return log_words()["sample"].format_map(_Gentle(data))
        return log_words()["checkpoint"].format_map(
            _Gentle({"name": f"{data.get('name')} ({size(data.get('size_bytes'))})"})
        )
    if kind == EventKind.PUBLISHED:
        return log_words()["published"].format_map(_Gentle(data))
    for key in ("message", "label", "detail", "stage", "state"):
        if data.get(key):
            return str(data[key])
    return kind


class _Gentle(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"
