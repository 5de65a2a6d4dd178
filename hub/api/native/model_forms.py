"""What v2 takes about models and versions: shapes only, the rules are in the services."""

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from hub.api.native.advice import ExampleForm, ResourceForm
from hub.api.native.pages import PageQuery
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.models.base_model import BaseModelType
from models_registry.models.file import PRECISIONS, FileFormat, FileKind, SizeKind
from models_registry.models.model import CommercialUse, Model, ModelType, Subject
from models_registry.models.terms import LicenceName, ModelVisibility
from models_registry.models.version import ModelVersion
from models_registry.services.values import Licence, TrainingFacts, Usage, Weight, WordSet

USAGE_FIELDS = (
    *("clip_skip", "sampler", "steps", "cfg_scale", "cfg_min", "cfg_max", "cfg_note"),
    *("width", "height", "tips", "prompt_advice", "negative_advice"),
)
#: Plain columns that only a version that is there takes.
ACCESS_FIELDS = ("requires_sign_in", "early_access_until", "base_model_type")
TRAINING_FIELDS = ("network_dim", "network_alpha", "epochs", "training_steps")
MOST_OF_ALL = 2**31 - 1


class WordList(serializers.ListField):
    """Several values, given again and again (`type=LORA&type=LoCon`)."""

    child = serializers.CharField()


class ModelQuery(PageQuery):
    """Filters of the model list; several values of one are alternatives."""

    query = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="Words, a name, or a hash."
    )
    type = serializers.MultipleChoiceField(choices=ModelType.values, required=False)
    base_model = WordList(required=False)
    subject = serializers.MultipleChoiceField(choices=Subject.values, required=False)
    tag = WordList(required=False)
    format = serializers.MultipleChoiceField(choices=FileFormat.values, required=False)
    precision = serializers.MultipleChoiceField(choices=PRECISIONS, required=False)
    licence = serializers.MultipleChoiceField(choices=LicenceName.values, required=False)
    commercial_use = serializers.MultipleChoiceField(choices=CommercialUse.values, required=False)
    username = serializers.CharField(required=False, default="")
    scope = serializers.ChoiceField(choices=list(Scope), required=False, default=Scope.EVERYONE)
    team = serializers.SlugField(required=False, help_text="One of my teams; implies scope=team.")
    collection = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="Only models of this collection.",
    )
    sort = serializers.ChoiceField(choices=list(Sort), required=False)
    verified = serializers.BooleanField(required=False, default=False)
    trained_here = serializers.BooleanField(required=False, default=False)
    unseen = serializers.BooleanField(
        required=False, default=False, help_text="Only what I have not opened."
    )


def filters_of(query: dict[str, Any], **more: Any) -> ModelFilters:
    """The filters of a checked query."""
    return ModelFilters(
        query=query["query"],
        types=sorted(query.get("type", ())),
        base_models=query.get("base_model", ()),
        subjects=sorted(query.get("subject", ())),
        tags=query.get("tag", ()),
        formats=sorted(query.get("format", ())),
        precisions=sorted(query.get("precision", ())),
        licences=sorted(query.get("licence", ())),
        commercial_uses=sorted(query.get("commercial_use", ())),
        username=query["username"],
        unseen=query["unseen"],
        scope=Scope.TEAM if "team" in query else Scope(query["scope"]),
        verified=query["verified"],
        trained_here=query["trained_here"],
        collection_id=query.get("collection"),
        **more,
    )


class NewModelForm(serializers.Serializer[Any]):
    """A draft; `team` is the name in the address of one of my teams."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=ModelType.values)
    team = serializers.SlugField(required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    visibility = serializers.CharField(required=False)
    subject = serializers.ChoiceField(choices=["", *Subject.values], required=False)
    checkpoint_type = serializers.ChoiceField(choices=["", "Trained", "Merge"], required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)


class ModelForm(serializers.Serializer[Any]):
    """What is said about a model; what is left out stays. The type is fixed once published.

    The four licence switches belong together: given one, the others are written too.
    """

    name = serializers.CharField(required=False)
    type = serializers.ChoiceField(choices=ModelType.values, required=False)
    checkpoint_type = serializers.ChoiceField(choices=["", "Trained", "Merge"], required=False)
    subject = serializers.ChoiceField(choices=["", *Subject.values], required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    visibility = serializers.ChoiceField(choices=ModelVisibility.values, required=False)
    team = serializers.SlugField(
        required=False, help_text="Gives the model to one of the owner's teams."
    )
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    nsfw_level = serializers.IntegerField(required=False, min_value=0, max_value=63)
    licence = serializers.ChoiceField(
        choices=["", *LicenceName.values], required=False, help_text="An SPDX identifier."
    )
    allow_no_credit = serializers.BooleanField(required=False)
    allow_derivatives = serializers.BooleanField(required=False)
    allow_different_license = serializers.BooleanField(required=False)
    allow_commercial_use = serializers.ListField(
        child=serializers.ChoiceField(choices=CommercialUse.values), required=False
    )


def model_values(model: Model, sent: dict[str, Any]) -> dict[str, Any]:
    """The sent changes as `update_model` takes them."""
    switches = ("allow_no_credit", "allow_derivatives", "allow_different_license")
    terms = (*switches, "allow_commercial_use")
    values = {name: value for name, value in sent.items() if name not in (*terms, "licence")}
    if "licence" in sent:
        values["licence_name"] = sent["licence"]
    if any(name in sent for name in terms):
        now = {name: sent.get(name, getattr(model, name)) for name in terms}
        uses = tuple(now.pop("allow_commercial_use"))
        values["licence"] = Licence(**now, commercial_use=uses)
    return values


class WordSetForm(serializers.Serializer[Any]):
    """Trigger words that are used together."""

    name = serializers.CharField(required=False, default="", allow_blank=True)
    words = serializers.ListField(child=serializers.CharField())


class WeightForm(serializers.Serializer[Any]):
    """Recommended multiplier and its band."""

    minimum = serializers.DecimalField(
        max_digits=4, decimal_places=2, required=False, allow_null=True
    )
    default = serializers.DecimalField(
        max_digits=4, decimal_places=2, required=False, allow_null=True
    )
    maximum = serializers.DecimalField(
        max_digits=4, decimal_places=2, required=False, allow_null=True
    )


class VersionForm(serializers.Serializer[Any]):
    """What is said about a version; what is left out stays as it is. Sizes in pixels."""

    name = serializers.CharField(required=False)
    base_model = serializers.CharField(required=False, help_text="A name of the hub's table.")
    description = serializers.CharField(required=False, allow_blank=True)
    changelog = serializers.CharField(required=False, allow_blank=True)
    trigger_words = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="One unnamed set."
    )
    trigger_word_sets = WordSetForm(many=True, required=False)
    weight = WeightForm(required=False)
    clip_skip = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=12)
    sampler = serializers.CharField(required=False, allow_blank=True, max_length=60)
    steps = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1000)
    cfg_scale = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=100)
    cfg_min = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=100)
    cfg_max = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=100)
    cfg_note = serializers.CharField(
        required=False, allow_blank=True, help_text="What a lower or higher CFG changes."
    )
    width = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=16_384)
    height = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=16_384
    )
    tips = serializers.CharField(required=False, allow_blank=True)
    prompt_advice = serializers.CharField(required=False, allow_blank=True)
    negative_advice = serializers.CharField(required=False, allow_blank=True)
    requires_sign_in = serializers.BooleanField(required=False)
    early_access_until = serializers.DateTimeField(required=False)
    base_model_type = serializers.ChoiceField(choices=BaseModelType.values, required=False)
    network_dim = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MOST_OF_ALL
    )
    network_alpha = serializers.FloatField(required=False, allow_null=True, min_value=0)
    epochs = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MOST_OF_ALL
    )
    training_steps = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MOST_OF_ALL
    )
    resources = ResourceForm(
        many=True, required=False, help_text="The whole list; it replaces the one before."
    )
    examples = ExampleForm(
        many=True, required=False, help_text="The whole list; it replaces the one before."
    )


class NewFileForm(serializers.Serializer[Any]):
    """A file for a version: a finished upload, or bytes that the hub and you have already."""

    upload_id = serializers.UUIDField(required=False)
    sha256 = serializers.RegexField(r"^[0-9A-Fa-f]{64}$", required=False)
    name = serializers.CharField(required=False, default="", max_length=255)
    kind = serializers.ChoiceField(choices=FileKind.values, required=False)
    size_kind = serializers.ChoiceField(choices=["", *SizeKind.values], required=False)
    is_primary = serializers.BooleanField(
        required=False, help_text="Left out: yes, if the file holds the model itself."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one source."""
        if ("upload_id" in attrs) == ("sha256" in attrs):
            raise serializers.ValidationError(_("Give either upload_id or sha256."))
        return attrs


class UploadForm(serializers.Serializer[Any]):
    """A finished upload."""

    upload_id = serializers.UUIDField()


class HashesForm(serializers.Serializer[Any]):
    """Whole hashes of any kind."""

    hashes = serializers.ListField(child=serializers.CharField(), min_length=1, max_length=100)


def version_values(sent: dict[str, Any], now: ModelVersion | None = None) -> dict[str, Any]:
    """The sent facts as the services take them, without words, resources and examples.

    Settings that are not sent stay as they are `now`.
    """
    plain = ("name", "base_model", "description", "changelog", *ACCESS_FIELDS)
    values = {name: sent[name] for name in plain if name in sent}
    if "weight" in sent:
        values["weight"] = Weight(**sent["weight"])
    usage = {name: sent[name] for name in USAGE_FIELDS if name in sent}
    if usage:
        values["usage"] = replace(Usage.of(now) if now else Usage(), **usage)
    training = {name: sent[name] for name in TRAINING_FIELDS if name in sent}
    if training:
        before = TrainingFacts.of(now) if now else TrainingFacts()
        values["training"] = replace(before, **training)
    return values


def words_of(sent: dict[str, Any]) -> list[str | WordSet] | None:
    """The sent trigger words, None when nothing was said about them."""
    if "trigger_words" not in sent and "trigger_word_sets" not in sent:
        return None
    named = [
        WordSet(words=tuple(row["words"]), name=row["name"])
        for row in sent.get("trigger_word_sets", ())
    ]
    return [*sent.get("trigger_words", ()), *named]
