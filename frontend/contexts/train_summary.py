"""What a run would take, before it starts: steps, time, memory, and what a person changed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from frontend.contexts.train import Draft, config_of, initial_settings, mean_repeats
from frontend.form_errors import WrongField, problems_of
from frontend.forms.train import SettingsForm
from frontend.templatetags.words import duration, size
from hub.core.errors import AtelierError
from training.engine.config.train import TrainConfig
from training.engine.estimate import estimate
from training.jobs.services.submit import check_config


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


def summary_of(
    draft: Draft, form: SettingsForm, changes: Mapping[str, str] | None = None
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
    return replace(_sum(draft, checked), changed=changed)


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
