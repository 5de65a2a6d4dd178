"""The log of a run: its events as lines."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from frontend.templatetags.words import size
from training.jobs.failure_words import REPEATED, SENTENCES, failure_text
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import STOPPED, Command, Job, State

LINES = 200


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line; `kind` is "" or warn, `stage` the trainer's word for a stage."""

    at: datetime
    text: str
    kind: str = ""
    stage: str = ""


def log_lines(job: Job) -> list[LogLine]:
    """The last lines, oldest first; a stage is one line while it lasts.

    Steps and the measuring of held-out pictures are in the chart: they would drown the rest.
    """
    figures = (EventKind.STEPPED, EventKind.VALIDATED)
    events = JobEvent.objects.filter(job=job).exclude(kind__in=figures)
    events = events.exclude(kind=EventKind.STAGE, data__stage="validating")
    lines: list[LogLine] = []
    for event in reversed(events.order_by("-sequence")[:LINES]):
        line = line_of(event)
        if lines and line.stage and line.stage == lines[-1].stage:
            lines.pop()
        lines.append(line)
    return lines


def line_of(event: JobEvent) -> LogLine:
    """One event in words."""
    kind = "warn" if event.kind == EventKind.WARNED else ""
    stage = str(event.data.get("stage", "")) if event.kind == EventKind.STAGE else ""
    return LogLine(event.at, _sentence(event.kind, event.data), kind, stage)


def stage_words() -> dict[str, str]:
    """The trainer's stages, by its own words for them."""
    return {
        "loading_base": _("Loading the base model"),
        "reading_images": _("Reading the images"),
        "caching_latents": _("Preparing the images"),
        "caching_text": _("Preparing the captions"),
        "making_class_images": _("Drawing class images"),
        "compiling": _("Compiling the network"),
        "training": _("Training"),
        "validating": _("Measuring the held-out images"),
        "sampling": _("Drawing samples"),
        "saving": _("Saving a checkpoint"),
        "exporting": _("Writing the model file"),
    }


def warning_words() -> dict[str, str]:
    """What a warning of the trainer is about, by its code; what follows is in its own words."""
    return {
        "out_of_memory": _("Memory ran out"),
        "samples_skipped": _("Samples left out"),
        "picture_skipped": _("Image left out"),
        "caption_skipped": _("Caption left out"),
        "pictures_converted": _("Images converted"),
        "class_pictures_unused": _("Class images not used"),
        "networks_left_out": _("Not used in samples"),
        "prompt_options": _("Not as a sample prompt asks"),
        "compile_unavailable": _("Not compiled"),
        "precision_changed": _("Precision changed"),
    }


def state_words() -> dict[str, str]:
    """The states in the reader's language; events carry the worker's."""
    return {str(value): str(label) for value, label in State.choices}


def failure_templates() -> dict[str, str]:
    """The sentences of failures by code, for the script."""
    return {code: script_template(str(words)) for code, (words, _more) in SENTENCES.items()}


def script_template(words: str) -> str:
    """A sentence with %(name)s as the script fills it, with {name}."""
    return re.sub(r"%\((\w+)\)s", r"{\1}", words)


def log_words() -> dict[str, Any]:
    """The same sentences for the script, which adds lines while the page is open."""
    return {
        "stages": stage_words(),
        "states": state_words(),
        "commands": {str(value): str(label) for value, label in Command.choices if value},
        "asked": _("Asked for: {what}"),
        "told": _("{what}: {more}"),
        "stopped": _("Stopped before its end, the result is kept"),
        "failures": failure_templates(),
        "repeated": script_template(str(REPEATED)),
        "started": _("Training starts: {images} images, {total_steps} steps, {device} {precision}"),
        "resumed": _("Training goes on at step {step} of {total_steps}"),
        "sample": _("Sample of epoch {epoch}: {prompt}"),
        "checkpoint": _("Saved {name}"),
        "published": _("Published as {name}"),
        "title": _("{percent}% · {name}"),
        "epoch": _("epoch {now} of {all}"),
        "in": _("in {time}"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "hours": _("{h} h {m} min"),
        "loss_text": _("Loss is {loss} at step {step} of {total}."),
        "held_text": _("Held-out loss is {loss}, {lowest} at its lowest."),
        "warnings": warning_words(),
    }


def _sentence(kind: str, data: dict[str, Any]) -> str:
    if kind == EventKind.STARTED:
        key = "resumed" if data.get("resumed") else "started"
        return log_words()[key].format_map(_Gentle(data))
    if kind == EventKind.WARNED:
        about, said = warning_words().get(data.get("code", "")), str(data.get("message", ""))
        return log_words()["told"].format(what=about, more=said) if about else said
    if kind == EventKind.ARTIFACT:
        if data.get("kind") == "sample":
            return log_words()["sample"].format_map(_Gentle(data))
        return log_words()["checkpoint"].format_map(
            _Gentle({"name": f"{data.get('name')} ({size(data.get('size_bytes'))})"})
        )
    if kind == EventKind.PUBLISHED:
        return log_words()["published"].format_map(_Gentle(data))
    if kind == EventKind.STAGE:
        return stage_words().get(data.get("stage", ""), str(data.get("stage", "")))
    if kind == EventKind.STATE:
        return _state_sentence(data)
    return str(data.get("message") or kind)


def _state_sentence(data: dict[str, Any]) -> str:
    words = log_words()
    if command := words["commands"].get(data.get("command", "")):
        return str(words["asked"].format(what=command))
    label = state_words().get(data.get("state", ""), str(data.get("state", "")))
    if data.get("reason") == STOPPED:
        return str(words["told"].format(what=label, more=words["stopped"]))
    code, message = data.get("code", ""), data.get("message", "")
    said = failure_text(code, data.get("params") or {}, message).sentence
    return str(words["told"].format(what=label, more=said)) if said else label


class _Gentle(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"
