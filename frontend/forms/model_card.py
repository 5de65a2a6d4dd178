"""What the edit page is sent about a model and one version of it, apart from its lists of rows."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from frontend.forms.models import WEIGHTS, split_words
from frontend.ratings import highest_rating
from gallery.models.image import NsfwLevel
from hub.accounts.models import Team
from hub.accounts.queries import teams_worked_in
from models_registry.models.base_model import BaseModel, BaseModelType
from models_registry.models.model import (
    CheckpointType,
    CommercialUse,
    Model,
    ModelType,
    Subject,
    Viewer,
)
from models_registry.models.terms import LicenceName, ModelVisibility
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_give_model
from models_registry.queries import base_models
from models_registry.services.columns import CFG_LIMIT
from models_registry.services.values import Licence, TrainingFacts, Usage, Weight

MOST_OF_ALL = 2**31 - 1
TRAINING = ("network_dim", "network_alpha", "epochs", "training_steps")
LEAST_SIDE, MOST_SIDE = 1, 16_384
USAGE = (
    *("clip_skip", "sampler", "steps", "cfg_scale", "cfg_min", "cfg_max", "cfg_note"),
    *("width", "height", "prompt_advice", "negative_advice"),
)
SWITCHES = ("allow_no_credit", "allow_derivatives", "allow_different_license")


def text_area(rows: int) -> forms.Textarea:
    """A box of so many lines."""
    return forms.Textarea({"rows": rows})


class TextField(forms.CharField):
    """Text of several lines, which browsers send with a carriage return before each newline."""

    def to_python(self, value: Any) -> str:
        """The text with plain newlines, as it was before the browser had it."""
        return str(super().to_python(value)).replace("\r\n", "\n")


def cfg_field(label: Any) -> forms.DecimalField:
    """A guidance scale."""
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(CFG_LIMIT),
        decimal_places=1,
    )


def count_field(label: Any) -> forms.IntegerField:
    """How many of something."""
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=MOST_OF_ALL)


def side_field(label: Any) -> forms.IntegerField:
    """A side of a picture in pixels."""
    return forms.IntegerField(
        label=label, required=False, min_value=LEAST_SIDE, max_value=MOST_SIDE
    )


class CardForm(forms.Form):
    """What is said about the model as a whole; the type is fixed once it was published."""

    name = forms.CharField(label=_("Name"), max_length=120)
    type = forms.ChoiceField(label=_("Type"), choices=ModelType.choices)
    checkpoint_type = forms.ChoiceField(
        label=_("Kind of checkpoint"),
        choices=[("", _("Not said")), *CheckpointType.choices],
        required=False,
        help_text=_("For checkpoints: trained, or merged from others."),
    )
    subject = forms.ChoiceField(
        label=_("Subject"), choices=[("", _("Not said")), *Subject.choices], required=False
    )
    tags = forms.CharField(label=_("Tags"), required=False, help_text=_("Separated by commas."))
    description = TextField(
        label=_("About"),
        required=False,
        widget=text_area(8),
        help_text=_("Markdown. How to use it, what it is good at, where it fails."),
    )
    visibility = forms.ChoiceField(label=_("Who may see it"), choices=ModelVisibility.choices)
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.none(),
        required=False,
        empty_label=None,
        help_text=_("Its members add versions, its managers change the card."),
    )
    nsfw_level = forms.TypedChoiceField(
        label=_("Mature content"), choices=NsfwLevel.choices, coerce=int
    )
    licence = forms.ChoiceField(
        label=_("Licence"), choices=[("", _("Not said")), *LicenceName.choices], required=False
    )
    allow_no_credit = forms.BooleanField(label=_("May be used without naming you"), required=False)
    allow_derivatives = forms.BooleanField(label=_("Merges of it may be shared"), required=False)
    allow_different_license = forms.BooleanField(
        label=_("Merges may have other terms"), required=False
    )
    allow_commercial_use = forms.MultipleChoiceField(
        label=_("Commercial use"),
        choices=CommercialUse.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    @classmethod
    def of(cls, model: Model, posted: Any, *, viewer: Viewer) -> "CardForm":
        """The form with what is saved now; a team is chosen by the owner who works in one."""
        plain = [name for name in cls.base_fields if name not in ("tags", "nsfw_level")]
        initial = {name: getattr(model, name) for name in plain}
        initial["tags"] = ", ".join(model.tag_names)
        initial["nsfw_level"] = highest_rating(model.nsfw_level)
        form = cls(posted, initial=initial)
        if model.published_at is not None:
            del form.fields["type"]
            if model.type != ModelType.CHECKPOINT:
                del form.fields["checkpoint_type"]
        teams = teams_worked_in(viewer)
        if can_give_model(viewer, model) and teams.exists():
            field: Any = form.fields["team"]
            field.queryset = teams
            field.empty_label = None if model.team else _("No team")
        else:
            del form.fields["team"]
        return form

    def clean_tags(self) -> tuple[str, ...]:
        """Tags split at Latin and Chinese commas."""
        return split_words(self.cleaned_data["tags"])

    def changes(self) -> dict[str, Any]:
        """What `update_model` takes."""
        data = self.cleaned_data
        licence = Licence(
            **{name: data[name] for name in SWITCHES},
            commercial_use=tuple(data["allow_commercial_use"]),
        )
        names = ("name", "subject", "tags", "description", "visibility")
        return {
            **{name: data[name] for name in names},
            "type": data.get("type"),
            "checkpoint_type": data.get("checkpoint_type", ""),
            "nsfw_level": data["nsfw_level"],
            "licence_name": data["licence"],
            "licence": licence,
            "team": data.get("team"),
        }


class VersionForm(forms.Form):
    """What is said about one version."""

    version_name = forms.CharField(label=_("Name of the version"), max_length=80)
    base_model = forms.ModelChoiceField(
        label=_("Base model"),
        queryset=BaseModel.objects.none(),
        to_field_name="name",
        empty_label=_("Choose one"),
    )
    base_model_type = forms.ChoiceField(
        label=_("Variant of the base"), choices=BaseModelType.choices, required=False
    )
    about = TextField(
        label=_("About this version"), required=False, widget=text_area(3), help_text=_("Markdown.")
    )
    changelog = TextField(
        label=_("What is new"), required=False, widget=text_area(3), help_text=_("Markdown.")
    )
    weight_min = forms.DecimalField(label=_("Least weight"), required=False, **WEIGHTS)
    weight = forms.DecimalField(label=_("Recommended weight"), required=False, **WEIGHTS)
    weight_max = forms.DecimalField(label=_("Most weight"), required=False, **WEIGHTS)
    cfg_min = cfg_field(_("Least CFG"))
    cfg_scale = cfg_field(_("Recommended CFG"))
    cfg_max = cfg_field(_("Most CFG"))
    cfg_note = TextField(
        label=_("What CFG changes"),
        required=False,
        widget=text_area(2),
        help_text=_("For example: from 4 softer, above 9 the lines burn."),
    )
    sampler = forms.CharField(label=_("Sampler"), max_length=60, required=False)
    steps = forms.IntegerField(label=_("Steps"), required=False, min_value=1, max_value=1000)
    clip_skip = forms.IntegerField(label=_("Clip skip"), required=False, min_value=1, max_value=12)
    width = side_field(pgettext_lazy("picture size", "Width"))
    height = side_field(pgettext_lazy("picture size", "Height"))
    network_dim = count_field(_("Network dim"))
    network_alpha = forms.FloatField(label=_("Network alpha"), required=False, min_value=0)
    epochs = count_field(_("Epochs"))
    training_steps = count_field(_("Training steps"))
    prompt_advice = TextField(
        label=_("How to build the prompt"),
        required=False,
        widget=text_area(3),
        help_text=_("Markdown. What comes first, what to name, what to leave out."),
    )
    negative_advice = TextField(
        label=_("How to build the negative prompt"), required=False, widget=text_area(2)
    )
    tips = TextField(label=_("Tips"), required=False, widget=text_area(2))
    requires_sign_in = forms.BooleanField(
        label=_("Only people who are signed in may download it"), required=False
    )
    early_access_until = forms.DateTimeField(
        label=_("Open to everyone from"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Until then only the people of the model may download it. UTC."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base_model"].queryset = base_models()  # type: ignore[attr-defined]

    @classmethod
    def of(cls, version: ModelVersion, posted: Any) -> "VersionForm":
        """The form with what is saved now."""
        initial = {name: getattr(version, name) for name in (*USAGE, *TRAINING)} | {
            "base_model_type": version.base_model_type,
            "version_name": version.name,
            "base_model": version.base_model.name if version.base_model else None,
            "about": version.description,
            "changelog": version.changelog,
            "tips": version.usage_tips,
            "weight_min": version.weight_min,
            "weight": version.weight_default,
            "weight_max": version.weight_max,
            "requires_sign_in": version.requires_sign_in,
            "early_access_until": version.early_access_until,
        }
        return cls(posted, initial=initial)

    def clean_early_access_until(self) -> Any:
        """A time; an empty field means now, so that a wait that was said before ends."""
        until = self.cleaned_data["early_access_until"]
        return until or (timezone.now() if self.initial.get("early_access_until") else None)

    def changes(self) -> dict[str, Any]:
        """What `update_version` takes."""
        data = self.cleaned_data
        low, best, high = data["weight_min"], data["weight"], data["weight_max"]
        return {
            "name": data["version_name"],
            "base_model": data["base_model"],
            "description": data["about"],
            "changelog": data["changelog"],
            "weight": Weight(default=best, minimum=low, maximum=high),
            "usage": Usage(**{name: data[name] for name in USAGE}, tips=data["tips"]),
            "training": TrainingFacts(**{name: data[name] for name in TRAINING}),
            "base_model_type": data["base_model_type"] or None,
            "requires_sign_in": data["requires_sign_in"],
            "early_access_until": data["early_access_until"],
        }
