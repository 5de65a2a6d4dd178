"""The training wizard: what can be chosen, what is chosen, and what it would take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg
from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.preset_words import preset_sentence, preset_title
from frontend.forms.train import SettingsForm
from frontend.templatetags.words import duration, size
from hub.accounts.models import Team, User
from hub.core.errors import AtelierError
from models_registry.models.version import ModelVersion
from models_registry.queries import base_versions
from training.base_models.tiny.location import known_subjects
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.queries import datasets_of, tag_frequencies
from training.engine.config import TrainConfig
from training.engine.estimate import estimate
from training.engine.presets import Preset, presets_for
from training.jobs.models.job import Job, Method
from training.jobs.queries import job_for
from training.jobs.services.submit import TRAINABLE_FAMILIES, check_config

TINY = "tiny"
FALLBACK_PRESET = "custom"
COMMON_TAGS = 4
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Option:
    """One card of a choice."""

    value: str
    title: str
    detail: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What the address and the form say so far; None where nothing can be chosen."""

    dataset: Dataset | None
    base: ModelVersion | None
    method: str
    preset: Preset | None
    again: Job | None

    @property
    def family(self) -> str:
        """Family of the base model."""
        found = self.base.base_model if self.base else None
        return found.family if found else ""

    @property
    def preset_id(self) -> str:
        """Id of the preset, for the record."""
        return self.preset.id if self.preset else FALLBACK_PRESET


@dataclass(frozen=True, slots=True)
class Summary:
    """The arithmetic of a run before it starts; `problem` stops it."""

    rows: list[tuple[str, str]]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WizardContext:
    """`/train/`."""

    draft: Draft
    datasets: list[Option]
    bases: list[Option]
    methods: list[Option]
    presets: list[Option]
    form: SettingsForm | None
    summary: Summary | None
    known: Any
    new_dataset_url: str


def read_draft(viewer: User, team: Team, given: Mapping[str, str]) -> Draft:
    """The choices in a query or form; what is missing gets the likeliest value."""
    again = _job_again(viewer, given.get("again", ""))
    datasets = list(datasets_of(viewer, team=team).filter(item_count__gt=0))
    wanted = given.get("dataset") or (again.snapshot.dataset.slug if again else "")
    dataset = next((row for row in datasets if row.slug == wanted), None)
    dataset = dataset or (datasets[0] if datasets else None)
    bases = list(base_versions(viewer=viewer, families=TRAINABLE_FAMILIES))
    key = given.get("base") or (str(again.base_version_id) if again else "")
    base = next((row for row in bases if str(row.pk) == key), None) or _likely(bases, dataset)
    method = given.get("method") or (again.method if again else Method.LORA)
    method = method if method in Method.values else Method.LORA
    family = base.base_model.family if base and base.base_model else ""
    offered = _presets(method, family, dataset)
    wish = given.get("preset") or (again.preset if again else "")
    preset = next((row for row in offered if row.id == wish), offered[0] if offered else None)
    return Draft(dataset=dataset, base=base, method=method, preset=preset, again=again)


def _job_again(viewer: User, number: str) -> Job | None:
    is_number = number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS
    return job_for(viewer, int(number)) if is_number else None


def wizard_context(
    viewer: User, team: Team, draft: Draft, *, form: SettingsForm | None = None
) -> WizardContext:
    """All choices with the chosen ones marked, the form (a fresh one if none was sent), the sum."""
    if form is None and draft.dataset and draft.base:
        form = settings_form(draft)
    return WizardContext(
        draft=draft,
        datasets=[
            Option(row.slug, row.name, _dataset_detail(row), row == draft.dataset)
            for row in datasets_of(viewer, team=team).filter(item_count__gt=0)
        ],
        bases=[
            Option(str(row.pk), row.model.name, _base_detail(row), row == draft.base)
            for row in base_versions(viewer=viewer, families=TRAINABLE_FAMILIES)
        ],
        methods=[
            Option(value, str(label), method_detail(value), value == draft.method)
            for value, label in Method.choices
        ],
        presets=[
            Option(row.id, preset_title(row), preset_sentence(row), row == draft.preset)
            for row in _presets(draft.method, draft.family, draft.dataset)
        ],
        form=form,
        summary=summary_of(draft, form) if form else None,
        known=known_subjects() if draft.family == TINY else None,
        new_dataset_url=reverse("dataset_new"),
    )


def settings_form(draft: Draft, posted: Any = None) -> SettingsForm:
    """The form, filled from the preset, the run to repeat, or what was sent."""
    return SettingsForm(posted, method=draft.method, initial=_initial(draft))


def config_of(draft: Draft, form: SettingsForm) -> dict[str, Any]:
    """The settings of the run: the preset's with the form's on top."""
    return form.overlay(_base_config(draft))


def summary_of(draft: Draft, form: SettingsForm) -> Summary:
    """Steps, time and memory of the run as it stands in the form."""
    if form.is_bound and not form.is_valid():
        return Summary([], _("Some settings do not fit. Correct the marked fields."))
    config = config_of(draft, form) if form.is_bound else _with_initial(draft, form)
    try:
        checked = check_config(
            config, method=draft.method, output_name="draft", base={"architecture": draft.family}
        )
    except AtelierError as error:
        return Summary([], error.message)
    return _sum(draft, checked)


def method_detail(method: str) -> str:
    """What a method is for, in one sentence."""
    return {
        Method.LORA: _("Small file on top of the base; right for most things."),
        Method.DREAMBOOTH: _("A whole checkpoint that knows one subject."),
        Method.TEXTUAL_INVERSION: _("A new word; the model stays as it is."),
        Method.HYPERNETWORK: _("Small network beside the attention, for A1111."),
    }[Method(method)]


def _sum(draft: Draft, checked: TrainConfig) -> Summary:
    dataset = draft.dataset
    if dataset is None:
        return Summary([])
    repeats = _mean_repeats(dataset)
    found = estimate(checked, images=dataset.item_count, repeats=repeats)
    epochs = checked.resolved().epochs or 1
    rows = [
        (_("Images × repeats"), f"{dataset.item_count} × {repeats:g}"),
        (_("Epochs"), str(epochs)),
        (_("Steps"), f"{found.steps:,}"),
        (_("Takes about"), duration(found.seconds)),
        (_("Memory"), size(found.memory_bytes)),
        (_("File"), size(found.file_bytes)),
    ]
    return Summary(rows)


def _initial(draft: Draft) -> dict[str, Any]:
    config = _base_config(draft)
    dataset = draft.dataset
    name = draft.again.name if draft.again else f"{dataset.name} {draft.method}" if dataset else ""
    prompts = _config_prompts(config) or _suggested_prompts(draft)
    return SettingsForm.initial_of(config, name=name.replace("_", " "), prompts=prompts)


def _with_initial(draft: Draft, form: SettingsForm) -> dict[str, Any]:
    filled = SettingsForm(
        {name: "" if value is None else value for name, value in form.initial.items()},
        method=draft.method,
    )
    return config_of(draft, filled) if filled.is_valid() else _base_config(draft)


def _base_config(draft: Draft) -> dict[str, Any]:
    if draft.again:
        kept = dict(draft.again.config)
        for key in ("base_model", "dataset_manifest", "output_name", "method"):
            kept.pop(key, None)
        return kept
    if draft.preset and draft.dataset:
        images, repeats = draft.dataset.item_count, _mean_repeats(draft.dataset)
        return draft.preset.settings_for(images=images, repeats=repeats)
    return {"save_every_epochs": 1, "sample_every_epochs": 1}


def _mean_repeats(dataset: Dataset) -> float:
    items = Item.objects.filter(dataset=dataset).present()
    return float(items.aggregate(mean=Avg("repeats"))["mean"] or 1.0)


def _config_prompts(config: dict[str, Any]) -> list[str]:
    return [line for line in config.get("sample_prompts") or [] if isinstance(line, str)]


def _suggested_prompts(draft: Draft) -> list[str]:
    """Prompts that show the trigger word with what the dataset has, and with what it has not."""
    dataset = draft.dataset
    if dataset is None:
        return []
    trigger = dataset.trigger_word or dataset.class_prompt or dataset.name
    tags = [row.text for row in tag_frequencies(dataset) if not row.is_trigger][:COMMON_TAGS]
    if draft.family == TINY:
        subjects = known_subjects().subjects[:2]
        if dataset.kind == "style":
            return [f"a {subject}, {trigger}" for subject in subjects]
        return [f"a {trigger}", f"a {trigger}, blue background"]
    return [", ".join([trigger, *tags]), f"{trigger}, outdoors"]


def _presets(method: str, family: str, dataset: Dataset | None) -> tuple[Preset, ...]:
    kind = dataset.kind if dataset else ""
    return presets_for(method, family, kind) or presets_for(method, family)


def _likely(bases: list[ModelVersion], dataset: Dataset | None) -> ModelVersion | None:
    """The base whose native size is nearest to the dataset's."""
    if not bases or dataset is None:
        return bases[0] if bases else None
    wanted = dataset.resolution

    def distance(row: ModelVersion) -> int:
        native = row.base_model.native_width if row.base_model else None
        return abs((native or 512) - wanted)

    return min(bases, key=distance)


def _dataset_detail(dataset: Dataset) -> str:
    parts = [_("%(n)d images") % {"n": dataset.item_count}, str(dataset.get_kind_display())]
    return " · ".join([*parts, dataset.trigger_word] if dataset.trigger_word else parts)


def _base_detail(version: ModelVersion) -> str:
    base = version.base_model
    return " · ".join(filter(None, [base.name if base else "", version.name]))
