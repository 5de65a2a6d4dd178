"""What a run would take, before it starts: steps, time, memory, and what a person changed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from frontend.contexts.train import Draft, config_of, initial_settings, mean_repeats
from frontend.form_errors import WrongField, problems_of
from frontend.forms.train import SettingsForm
from frontend.templatetags.words import duration, size
from hub.core.errors import AtelierError
from hub.formats.generation.types import ResourceKind
from training.engine.config.train import TrainConfig
from training.engine.estimate import estimate
from training.jobs.services.prompt_files import PromptFiles, Why, Wisher, files_named_in
from training.jobs.services.submit import check_config

_UNKNOWN = {
    ResourceKind.LORA: gettext_lazy(
        "No LoRA called “%(name)s” fits this base and may be used by you, so samples are made "
        "without it."
    ),
    ResourceKind.HYPERNETWORK: gettext_lazy(
        "No hypernetwork called “%(name)s” fits this base and may be used by you, so samples are "
        "made without it."
    ),
    ResourceKind.EMBEDDING: gettext_lazy(
        "No embedding called “%(name)s” of yours or your team's fits this base, so samples are "
        "made without it."
    ),
}


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A setting that a person changed; `before` is what the preset says."""

    name: str
    label: str
    before: str
    now: str

    @property
    def reset_values(self) -> str:
        """What the button that takes it back sends along."""
        return json.dumps({"reset": self.name})


@dataclass(frozen=True, slots=True)
class Summary:
    """The arithmetic of a run before it starts; `problem` stops it, `wrong` are its fields."""

    rows: list[tuple[str, str]]
    problem: str = ""
    changed: tuple[ChangedField, ...] = ()
    wrong: tuple[WrongField, ...] = ()
    unused: tuple[str, ...] = ()


def summary_of(
    draft: Draft, form: SettingsForm, wisher: Wisher, changes: Mapping[str, str] | None = None
) -> Summary:
    """Steps, time and memory of the run as it stands in the form, and what differs from usual."""
    changed = tuple(_changed_fields(draft, form, changes or {}))
    filled = form if form.is_bound else _filled(draft, form)
    if not filled.is_valid():
        words = _("Some settings do not fit. Correct these fields:")
        return Summary([], words, changed, tuple(problems_of(filled)))
    try:
        checked = check_config(
            config_of(draft, filled),
            method=draft.method,
            output_name="draft",
            base={"architecture": draft.family},
        )
    except AtelierError as error:
        return Summary([], error.message, changed)
    named = files_named_in(checked.sample_prompts, wisher)
    found = _sum(draft, checked)
    if named.files:
        names = ", ".join(file.name for file in named.files)
        found = replace(found, rows=[*found.rows, (_("Files in samples"), names)])
    return replace(found, changed=changed, unused=tuple(_unused(named)))


def _unused(named: PromptFiles) -> Iterator[str]:
    """What is said of names in sample prompts that will act nowhere."""
    for one in named.missing:
        if one.why == Why.ABSENT:
            words = _UNKNOWN[one.kind] % {"name": one.name}
            alike = _("There are: %(names)s.") % {"names": ", ".join(one.known)}
            yield f"{words} {alike}" if one.known else words
    if many := named.names_missing(Why.TOO_MANY):
        words = _(
            "The sample prompts name more than %(n)s files, so samples are made without these: "
            "%(names)s."
        )
        yield words % {"n": settings.PROMPT_MAX_FILES, "names": ", ".join(many)}
    if large := named.names_missing(Why.TOO_LARGE):
        words = _(
            "The files that the sample prompts name have more than %(size)s together, so samples "
            "are made without these: %(names)s."
        )
        most = size(settings.PROMPT_FILES_MAX_BYTES)
        yield words % {"size": most, "names": ", ".join(large)}


def _sum(draft: Draft, checked: TrainConfig) -> Summary:
    dataset = draft.dataset
    if dataset is None:
        return Summary([])
    repeats = mean_repeats(dataset)
    found = estimate(checked, images=dataset.item_count, repeats=repeats)
    epochs = checked.resolved().epochs or 1
    rows = [
        (_("Images × repeats"), f"{dataset.item_count} × {repeats:.3g}"),
        (_("Epochs"), str(epochs)),
        (_("Steps"), f"{found.steps:,}"),
        (_("Takes about"), duration(found.seconds)),
        (_("Memory"), size(found.memory_bytes)),
        (_("File"), size(found.file_bytes)),
    ]
    return Summary(rows)


def _filled(draft: Draft, form: SettingsForm) -> SettingsForm:
    """The form as if it had been sent as it is shown."""
    shown = {name: "" if value is None else value for name, value in form.initial.items()}
    return SettingsForm(shown, method=draft.method)


def _changed_fields(
    draft: Draft, form: SettingsForm, changes: Mapping[str, str]
) -> Iterable[ChangedField]:
    """Changed settings with a short value; names and prompts are anybody's own in any case."""
    before = initial_settings(draft)
    for name, value in changes.items():
        if name in form.fields and name not in ("name", "sample_prompts"):
            field = form.fields[name]
            usual = "" if before.get(name) is None else str(before[name])
            words = {str(key): str(said) for key, said in getattr(field, "choices", ())}
            shown = [words.get(given, given) or "–" for given in (usual, value)]
            yield ChangedField(name, str(field.label), *shown)
