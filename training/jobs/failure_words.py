"""Why a run stopped, in the reader's language: rows keep a code and its values, never a sentence.

The trainer and the worker speak English; their own words are kept beside the code and shown under
the sentence where they say more than it (a file name, a setting, a line of a traceback).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

Words = Mapping[str, Any]


@dataclass(frozen=True)
class FailureText:
    """A sentence for the reader, and below it what the trainer said, in English."""

    sentence: str
    detail: str = ""


# Code to sentence, and whether the trainer's own words say more.
SENTENCES: dict[str, tuple[Any, bool]] = {
    "worker_lost": (_("The worker gave no sign of life for %(seconds)s seconds."), False),
    "worker_restarted": (_("The worker was started again."), False),
    "worker_error": (
        _("The worker met an error of its own. Tell the administrator; the run is safe."),
        True,
    ),
    "folder_busy": (_("An earlier trainer of this run does not end."), False),
    "trainer_killed": (
        _(
            "The trainer was killed from outside. When this repeats, the machine has too little "
            "memory: lower the batch size or the resolution."
        ),
        False,
    ),
    "trainer_signalled": (_("The trainer was ended by signal %(signal)s."), False),
    "trainer_crashed": (
        _("The trainer ended with code %(exit_code)s and without a word. Its last line is below."),
        True,
    ),
    "staging_failed": (
        _("Files could not be brought to the worker. The store may be away for a while."),
        True,
    ),
    "file_missing": (
        _("The store has lost a file that this run reads. Restore it from a backup."),
        True,
    ),
    "file_spoilt": (
        _("The store has spoilt a file that this run reads. Restore it from a backup, try again."),
        True,
    ),
    "model_missing": (_("A model of this comparison, or its file, is not here any more."), False),
    "checkpoint_missing": (_("A checkpoint of this preview grid is gone."), False),
    "prompt_files_limit": (
        _("The prompts name more files, or larger ones, than one drawing may use. Name fewer."),
        True,
    ),
    "base_missing": (
        _("The base model was deleted after this run was put in line. Choose another one."),
        False,
    ),
    "disk_full": (
        _("The disk of the worker or of the store is full. Make room, then resume the run."),
        True,
    ),
    "device_busy": (_("The GPU is taken by another program. The run is tried again."), True),
    "invalid_config": (
        _("The settings contradict each other, the pictures or the base model. Change them."),
        True,
    ),
    "invalid_dataset": (_("The pictures of the dataset cannot be used as they are."), True),
    "invalid_base_model": (
        _("The base model cannot be read, or is of a kind that cannot be trained here."),
        True,
    ),
    "invalid_state": (_("The saved state does not belong to this run. Train again."), True),
    "non_finite_loss": (
        _("The loss became infinite. Lower the learning rate and resume from the last state."),
        True,
    ),
    "out_of_memory": (
        _("The device has too little memory. Lower the batch size or the resolution."),
        True,
    ),
    "engine_error": (_("The trainer could not go on."), True),
    "internal_error": (
        _("The trainer met something it does not know. Its own words are below."),
        True,
    ),
}
TOO_MANY_ATTEMPTS = "too_many_attempts"
REPEATED = _("%(count)s attempts in a row made no progress. The last one: %(reason)s")


def failure_text(code: str, params: Words, message: str) -> FailureText:
    """The sentence of a failure; an unknown code leaves the stored words as they are."""
    if code == TOO_MANY_ATTEMPTS and "reason" in params:
        last = params["reason"]
        inner = failure_text(last["code"], last["params"], last["message"])
        sentence = str(REPEATED) % {"count": params["count"], "reason": inner.sentence}
        return FailureText(sentence, inner.detail)
    found = SENTENCES.get(code)
    if found is None:
        return FailureText(message)
    words, says_more = found
    try:
        sentence = str(words) % params
    except KeyError:  # a row from before its values were kept
        return FailureText(message)
    return FailureText(sentence, message if says_more else "")
