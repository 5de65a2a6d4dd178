"""The training wizard's choices and the settings that they bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Avg

from frontend.forms.train import SettingsForm, no_picture
from hub.accounts.models import Team, User
from models_registry.models.version import ModelVersion
from models_registry.queries import base_versions
from training.base_models.tiny.location import known_subjects
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.queries import datasets_of, picture_hash, tag_frequencies
from training.engine.presets.choosing import presets_for
from training.engine.presets.preset import Preset
from training.engine.presets.table import with_article
from training.jobs.models.job import Job, Method
from training.jobs.queries import job_for
from training.jobs.services.submit import TRAINABLE_FAMILIES

TINY = "tiny"
FALLBACK_PRESET = "custom"
COMMON_TAGS = 4
MAX_DIGITS = 18
USUAL_SIZE = 512


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
    offered = presets_of(method, family, dataset)
    wish = given.get("preset") or (again.preset if again else "")
    preset = next((row for row in offered if row.id == wish), offered[0] if offered else None)
    return Draft(dataset=dataset, base=base, method=method, preset=preset, again=again)


def _job_again(viewer: User, number: str) -> Job | None:
    is_number = number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS
    return job_for(viewer, int(number)) if is_number else None


def settings_form(
    draft: Draft, posted: Any = None, *, changes: Mapping[str, str] | None = None
) -> SettingsForm:
    """The form, filled from the preset or the run to repeat, what was typed, or what was sent."""
    initial = initial_settings(draft) | dict(changes or {})
    found = partial(picture_hash, draft.dataset) if draft.dataset else no_picture
    return SettingsForm(posted, method=draft.method, initial=initial, find_picture=found)


def initial_settings(draft: Draft) -> dict[str, Any]:
    """What the settings are for these choices before anything is typed."""
    config = _base_config(draft)
    dataset = draft.dataset
    name = draft.again.name if draft.again else f"{dataset.name} {draft.method}" if dataset else ""
    prompts = _config_prompts(config) or _suggested_prompts(draft)
    return SettingsForm.initial_of(config, name=name.replace("_", " "), prompts=prompts)


def config_of(draft: Draft, form: SettingsForm) -> dict[str, Any]:
    """The settings of the run: the preset's with the form's on top."""
    return form.overlay(_base_config(draft))


def presets_of(method: str, family: str, dataset: Dataset | None) -> tuple[Preset, ...]:
    """Presets for the method on this family, those made for the kind of dataset first."""
    kind = dataset.kind if dataset else ""
    return presets_for(method, family, kind) or presets_for(method, family)


def _base_config(draft: Draft) -> dict[str, Any]:
    if draft.again:
        kept = dict(draft.again.config)
        for key in ("base_model", "dataset_manifest", "output_name", "method"):
            kept.pop(key, None)
        return kept
    if draft.preset and draft.dataset:
        images, repeats = draft.dataset.item_count, mean_repeats(draft.dataset)
        return draft.preset.settings_for(images=images, repeats=repeats)
    return {"save_every_epochs": 1, "sample_every_epochs": 1}


def mean_repeats(dataset: Dataset) -> float:
    """How often a picture is shown in an epoch, on average."""
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
        if dataset.kind == "style":
            subjects = known_subjects().subjects[:: len(known_subjects().subjects) // 2][:2]
            return [f"{with_article(subject)}, {trigger}" for subject in subjects]
        return [f"a {trigger}", f"a {trigger}, blue background"]
    return [", ".join([trigger, *tags]), f"{trigger}, outdoors"]


def usual_size(viewer: User) -> int:
    """The side in pixels that new datasets start with: that of the bases here, if they agree."""
    bases = base_versions(viewer=viewer, families=TRAINABLE_FAMILIES)
    sizes = {row.base_model.native_width for row in bases if row.base_model}
    return (sizes.pop() if len(sizes) == 1 else None) or USUAL_SIZE


def _likely(bases: list[ModelVersion], dataset: Dataset | None) -> ModelVersion | None:
    """The base whose native size is nearest to the dataset's."""
    if not bases or dataset is None:
        return bases[0] if bases else None
    wanted = dataset.resolution

    def distance(row: ModelVersion) -> int:
        native = row.base_model.native_width if row.base_model else None
        return abs((native or USUAL_SIZE) - wanted)

    return min(bases, key=distance)
