"""What v2 says and takes about training runs."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from hub.api.native.pages import MAX_LIMIT, PageQuery
from hub.api.native.people import PersonShape
from training.engine.presets.preset import KINDS, Preset
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.job import Job, Method, State

MAX_EVENTS = 500


class JobShape(serializers.Serializer[Job]):
    """A run; times in seconds, sizes in bytes, `percent` from 0 to 100."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    name = serializers.CharField()
    team = serializers.CharField(source="team.slug")
    owner = PersonShape()
    method = serializers.CharField()
    state = serializers.CharField()
    is_final = serializers.BooleanField()
    percent = serializers.IntegerField()
    stage = serializers.CharField()
    step = serializers.IntegerField()
    total_steps = serializers.IntegerField()
    epoch = serializers.IntegerField()
    total_epochs = serializers.IntegerField()
    loss = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)
    last_sequence = serializers.IntegerField()
    dataset = serializers.CharField(source="snapshot.dataset.slug")
    base_version_id = serializers.IntegerField(allow_null=True)
    base_name = serializers.CharField(
        source="base_version.model.name", allow_null=True, default=None
    )
    preset = serializers.CharField()
    requested_command = serializers.CharField()
    error_code = serializers.CharField()
    error_message = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class JobDetailShape(JobShape):
    """A run with its settings and where they came from."""

    config = serializers.DictField()
    estimated_seconds = serializers.FloatField(allow_null=True)
    min_memory_bytes = serializers.IntegerField()
    base_sha256 = serializers.CharField()
    snapshot_id = serializers.UUIDField()
    engine_version = serializers.CharField()
    published_version_id = serializers.IntegerField(allow_null=True)


#: One numbered message; `data` depends on the kind.
EventShape = inline_serializer(
    name="Event",
    many=True,
    fields={
        "sequence": serializers.IntegerField(),
        "kind": serializers.CharField(),
        "at": serializers.DateTimeField(),
        "data": serializers.DictField(),
    },
)


class EventsShape(serializers.Serializer[Any]):
    """Messages in order; ask again with `after` set to the last number that came.

    The run is over and nothing more will come when `is_final` is true and `items` is empty.
    """

    items = EventShape
    last_sequence = serializers.IntegerField()
    state = serializers.CharField()
    is_final = serializers.BooleanField()


class ArtifactShape(serializers.Serializer[JobArtifact]):
    """A file that a run made; `name` is its path in the run's folder."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    name = serializers.CharField()
    sha256 = serializers.CharField(source="blob.sha256")
    size_bytes = serializers.IntegerField(source="blob.size_bytes")
    content_type = serializers.CharField(source="blob.content_type")
    epoch = serializers.IntegerField()
    step = serializers.IntegerField()
    prompt_index = serializers.IntegerField(allow_null=True)
    loss = serializers.FloatField(allow_null=True)
    is_final = serializers.BooleanField()
    is_pick = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    download_url = serializers.SerializerMethodField()

    def get_download_url(self, artifact: JobArtifact) -> str:
        """Address of the bytes on this host."""
        return reverse("api_artifact_file", args=[artifact.pk])


class PresetShape(serializers.Serializer[Preset]):
    """A named starting point, with what it takes on the device that it is meant for."""

    id = serializers.CharField()
    method = serializers.CharField()
    family = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField())
    title = serializers.CharField()
    sentence = serializers.CharField()
    device = serializers.CharField()
    minutes = serializers.FloatField()
    memory_gib = serializers.FloatField()


class PresetQuery(serializers.Serializer[Any]):
    """Which presets; empty means all."""

    method = serializers.ChoiceField(choices=Method.values, required=False)
    family = serializers.CharField(required=False)
    kind = serializers.ChoiceField(choices=KINDS, required=False)


class JobQuery(PageQuery):
    """Filters of the list of runs."""

    team = serializers.SlugField(required=False, help_text="One of my teams.")
    state = serializers.MultipleChoiceField(choices=State.values, required=False)


class EventQuery(serializers.Serializer[Any]):
    """Which messages."""

    after = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**62)
    limit = serializers.IntegerField(
        required=False, default=MAX_EVENTS, min_value=1, max_value=MAX_EVENTS
    )


class ArtifactQuery(PageQuery):
    """Which files."""

    kind = serializers.ChoiceField(
        choices=ArtifactKind.values, required=False, default=ArtifactKind.CHECKPOINT
    )
    limit = serializers.IntegerField(
        required=False, default=MAX_LIMIT, min_value=1, max_value=MAX_LIMIT
    )


class NewJobForm(serializers.Serializer[Any]):
    """A run; `config` holds settings of the engine, over those of the preset where one is named."""

    team = serializers.SlugField()
    name = serializers.CharField()
    dataset = serializers.CharField(help_text="Its id, or the name in its address.")
    base_version_id = serializers.IntegerField(min_value=1, max_value=2**62)
    method = serializers.ChoiceField(choices=Method.values, required=False, default=Method.LORA)
    preset = serializers.CharField(required=False, default="", allow_blank=True)
    device = serializers.ChoiceField(choices=["", "cpu", "cuda"], required=False, default="")
    config = serializers.DictField(required=False, default=dict)
