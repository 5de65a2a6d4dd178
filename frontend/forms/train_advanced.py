"""The rarer settings of the wizard: which of them a method has, in groups, with words of our own.

Kind, limits and choices of a field come from the engine's one schema, so that the page cannot
disagree with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from training.engine.config.train import TrainConfig
from training.jobs.models.job import Method

EVERY_METHOD = frozenset(Method)
LORA, DREAMBOOTH = frozenset({Method.LORA}), frozenset({Method.DREAMBOOTH})
INVERSION = frozenset({Method.TEXTUAL_INVERSION})
WEIGHTS = LORA | DREAMBOOTH

GROUPS: dict[str, Promise] = {
    "steps": _("Steps"),
    "rate": _("Learning rate"),
    "network": _("Network"),
    "captions": _("Captions"),
    "loss": _("Loss"),
    "memory": _("Memory"),
    "samples": _("Samples"),
}
ANSWERS = {"": _("By itself"), "yes": _("Yes"), "no": _("No")}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its path in TrainConfig, its group, its words, and the methods that have it."""

    path: str
    group: str
    label: Promise
    help: Promise
    methods: frozenset[str] = EVERY_METHOD

    @property
    def name(self) -> str:
        """Name of the form's field."""
        return self.path.replace(".", "__")


# The fields that SettingsForm itself declares, by group.
PLAIN_GROUPS = {
    "epochs": "steps",
    "batch_size": "steps",
    "learning_rate": "rate",
    "network_dim": "network",
    "network_alpha": "network",
    "resolution": "memory",
    "seed": "samples",
}

SETTINGS: tuple[Setting, ...] = (
    Setting("gradient_accumulation", "steps", _("Gradient accumulation"),
            _("Passes before the weights change: a larger batch without more memory.")),
    Setting("optimizer", "rate", _("Optimizer"),
            _("The rule that turns gradients into steps; prodigy finds its own rate from 1.")),
    Setting("scheduler", "rate", _("Scheduler"),
            _("How the learning rate changes over the run.")),
    Setting("warmup_steps", "rate", _("Warm-up"),
            _("Steps in which the learning rate rises from zero.")),
    Setting("train_text_encoder", "rate", _("Train the text encoder"),
            _("Lets a new word take on a meaning; learns faster and forgets faster."), WEIGHTS),
    Setting("text_encoder_learning_rate", "rate", _("Learning rate of the text encoder"),
            _("Empty is a tenth of the rate for a LoRA, half of it otherwise."), WEIGHTS),
    Setting("network.algorithm", "network", _("Kind of adapter"),
            _("LoHa and LoKr are LyCORIS's; A1111, Forge and ComfyUI read all three."), LORA),
    Setting("network.decompose", "network", pgettext_lazy("setting", "DoRA"),
            _("Trains the size of each weight apart from its direction."), LORA),
    Setting("network.conv_dim", "network", _("Dim of the convolutions"),
            _("Adapters on the 3 × 3 convolutions (LoCon) hold more of a style; 0 is off."),
            LORA),
    Setting("textual_inversion.vectors", "network", _("Vectors"),
            _("More hold more, and take more room in the prompt."), INVERSION),
    Setting("textual_inversion.initial_text", "network", _("Starts from"),
            _("A word that already means something like it."), INVERSION),
    Setting("captions.shuffle", "captions", _("Shuffle tags"),
            _("Another order in every step, so that no tag leans on its place.")),
    Setting("captions.keep_tokens", "captions", _("Tags that stay in place"),
            _("So many at the start are never shuffled or left out.")),
    Setting("captions.dropout", "captions", _("Caption dropout"),
            _("Share of steps in which a picture is shown without its caption, 0 to 1.")),
    Setting("captions.tag_warmup_steps", "captions", _("Tag warm-up"),
            _("Steps over which the tags of a caption come in, the first ones first; 0 is off.")),
    Setting("flip", "captions", _("Mirror pictures"),
            _("Half of the time; not for faces, signs or anything with a left and a right.")),
    Setting("snr_gamma", "loss", pgettext_lazy("setting", "Min-SNR gamma"),
            _("Weighs easy noise levels down; 5 is usual, 0 is off.")),
    Setting("noise_offset", "loss", _("Noise offset"),
            _("Helps very dark and very bright pictures; 0.05 is usual, 0 is off.")),
    Setting("adaptive_noise_scale", "loss", _("Adaptive noise scale"),
            _("Adds so much of each channel's own mean to the noise offset; 0 is off.")),
    Setting("velocity_like_loss", "loss", _("Velocity-like loss"),
            _("Weighs much noise more, as velocity models do (v_pred_like_loss); 0 is off.")),
    Setting("validation.share", "loss", _("Share held out"),
            _("Pictures kept out of training, 0 to 0.5; their loss shows when a run memorises.")),
    Setting("prior.enabled", "loss", _("Prior preservation"),
            _("Trains on pictures of the class too: the base does not forget it."), WEIGHTS),
    Setting("prior.images", "loss", _("Class pictures"),
            _("How many; what is missing is drawn with the base first."), WEIGHTS),
    Setting("mixed_precision", "memory", _("Precision"),
            _("Number format of the passes; auto takes the fastest that is safe.")),
    Setting("gradient_checkpointing", "memory", _("Gradient checkpointing"),
            _("Slower, with much less memory.")),
    Setting("save_every_epochs", "samples", _("Checkpoint every"),
            _("Epochs between two checkpoints; 0 keeps only the last.")),
    Setting("sample_every_epochs", "samples", _("Samples every"),
            _("Epochs between two rounds of samples; 0 makes none.")),
)  # fmt: skip


def settings_of(method: str) -> Iterator[Setting]:
    """The settings that a method has."""
    return (setting for setting in SETTINGS if method in setting.methods)


def may_be_empty(setting: Setting) -> bool:
    """Whether the engine has a meaning for no value; else an empty field is as the preset says."""
    return NoneType in _alternatives(_schema(setting.path).annotation)


def field_of(setting: Setting) -> forms.Field:
    """The form's field with the kind, limits and choices that the engine's schema gives."""
    field = _bare_field(_schema(setting.path))
    field.label, field.help_text = str(setting.label), str(setting.help)
    field.key = setting.path  # type: ignore[attr-defined]  # the trainer's own word, for the page
    return field


def _bare_field(info: FieldInfo) -> forms.Field:
    kinds = _alternatives(info.annotation)
    if bool in kinds:
        answers = [(key, words) for key, words in ANSWERS.items() if key or NoneType in kinds]
        return forms.ChoiceField(choices=answers, required=False)
    if get_origin(kinds[0]) is Literal:
        return forms.ChoiceField(
            choices=[(word, word) for word in get_args(kinds[0])], required=False
        )
    if str in kinds:
        return forms.CharField(required=False, max_length=_limit(info, "max_length"))
    number = forms.FloatField if float in kinds else forms.IntegerField
    least, most = _limit(info, "ge"), _limit(info, "le")
    return number(required=False, min_value=least, max_value=most)


def shown_value(setting: Setting, config: Mapping[str, Any]) -> Any:
    """What the field shows for a run's settings; what they leave out has the engine's default."""
    value: Any = config
    for part in setting.path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        value = _schema(setting.path).get_default(call_default_factory=True)
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


def put(setting: Setting, config: dict[str, Any], value: Any) -> None:
    """Write a field's value into a run's settings; sections on the way are copied, not changed."""
    *sections, last = setting.path.split(".")
    place = config
    for section in sections:
        place[section] = dict(place.get(section) or {})
        place = place[section]
    if bool in _alternatives(_schema(setting.path).annotation):
        value = {"yes": True, "no": False}.get(value)
    place[last] = value


def _schema(path: str) -> FieldInfo:
    *sections, last = path.split(".")
    model: type[BaseModel] = TrainConfig
    for section in sections:
        inner = model.model_fields[section].annotation
        model = inner if isinstance(inner, type) else model
    return model.model_fields[last]


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The kinds that a value may have; of a plain kind, that one."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _limit(info: FieldInfo, name: str) -> Any:
    return next((getattr(rule, name) for rule in info.metadata if hasattr(rule, name)), None)
