"""What v2 says about models, versions and files."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.api.native.advice import ExampleShape, ResourceShape
from hub.api.native.pages import shaped
from hub.api.native.people import PersonShape
from hub.storage.pictures import picture_url
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.model import Model
from models_registry.models.tombstone import Tombstone, TombstoneFile
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWordSet
from models_registry.queries import ModelDetail
from models_registry.services.download import download_name


class FileShape(serializers.Serializer[ModelFile]):
    """A file; `file_name` is the one it gets on a disk, `sha256` is in lower case."""

    id = serializers.IntegerField()
    version_id = serializers.IntegerField()
    name = serializers.CharField()
    file_name = serializers.SerializerMethodField()
    kind = serializers.CharField()
    format = serializers.CharField()
    size_kind = serializers.CharField()
    ema = serializers.CharField()
    precision = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(source="blob.sha256")
    hashes = serializers.SerializerMethodField()
    is_primary = serializers.BooleanField()
    scan_status = serializers.CharField()
    scan_message = serializers.CharField(source="scan_sentence")
    download_url = serializers.SerializerMethodField()

    def get_file_name(self, file: ModelFile) -> str:
        """The name by Civitai's rule."""
        return download_name(file)

    def get_hashes(self, file: ModelFile) -> dict[str, str]:
        """Every recorded hash by its kind, upper case; empty until the file was looked at."""
        return {row.kind: row.value for row in file.hashes.all()}

    def get_download_url(self, file: ModelFile) -> str:
        """Address of exactly this file on this host."""
        return f"{reverse('civitai-download', args=[file.version_id])}?fileId={file.pk}"


class KnownFileShape(FileShape):
    """A file found by hash, with the model that it belongs to."""

    model_id = serializers.IntegerField(source="version.model_id")
    model_name = serializers.CharField(source="version.model.name")
    model_type = serializers.CharField(source="version.model.type")
    version_name = serializers.CharField(source="version.name")
    version_status = serializers.CharField(source="version.status")
    base_model = serializers.CharField(
        source="version.base_model.name", allow_null=True, default=None
    )


class WordSetShape(serializers.Serializer[TriggerWordSet]):
    """Trigger words that are used together."""

    name = serializers.CharField()
    words = serializers.SerializerMethodField()

    def get_words(self, row: TriggerWordSet) -> list[str]:
        """The words in order."""
        return [word.text for word in sorted(row.words.all(), key=lambda word: word.position)]


class CoverShape(serializers.Serializer[VersionCover]):
    """A picture of a version; the address of one that is not public ends after a day or two."""

    id = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    content_type = serializers.CharField(source="blob.content_type")
    sha256 = serializers.CharField(source="blob.sha256")
    url = serializers.SerializerMethodField()
    generation_text = serializers.CharField()

    def get_url(self, cover: VersionCover) -> str:
        """Address of the picture as it was sent."""
        version = cover.version
        return picture_url(cover.blob, public=version.model.shows_everyone(version))


class WeightShape(serializers.Serializer[Any]):
    """Recommended multiplier and the band in which it works."""

    minimum = serializers.FloatField(source="weight_min", allow_null=True)
    default = serializers.FloatField(source="weight_default", allow_null=True)
    maximum = serializers.FloatField(source="weight_max", allow_null=True)


class RemovedFileShape(serializers.Serializer[TombstoneFile]):
    """A file that was deleted; it is still found by its hashes."""

    name = serializers.CharField()
    kind = serializers.CharField()
    format = serializers.CharField()
    size_bytes = serializers.IntegerField()
    hashes = serializers.SerializerMethodField()

    def get_hashes(self, file: TombstoneFile) -> dict[str, str]:
        """Every recorded hash by its kind, upper case."""
        return {row.kind: row.value for row in file.hashes.all()}


class RemovalShape(serializers.Serializer[Tombstone]):
    """Why the files of a version were deleted, and those that had passed their check."""

    reason = serializers.CharField()
    removed_at = serializers.DateTimeField()
    files = serializers.SerializerMethodField()

    @extend_schema_field(RemovedFileShape(many=True))
    def get_files(self, tombstone: Tombstone) -> Any:
        """What was handed out before."""
        clean = [file for file in tombstone.files.all() if file.was_clean]
        return shaped(RemovedFileShape, clean)


class VersionShape(serializers.Serializer[ModelVersion]):
    """A version with its files, words and pictures."""

    id = serializers.IntegerField()
    model_id = serializers.IntegerField()
    model_name = serializers.CharField(source="model.name")
    model_type = serializers.CharField(source="model.type")
    index = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.CharField()
    base_model = serializers.CharField(source="base_model.name", allow_null=True, default=None)
    base_family = serializers.CharField(source="base_model.family", allow_null=True, default=None)
    base_model_type = serializers.CharField()
    trigger_words = serializers.ListField(child=serializers.CharField(), source="trained_words")
    trigger_word_sets = WordSetShape(many=True)
    weight = WeightShape(source="*")
    clip_skip = serializers.IntegerField(allow_null=True)
    sampler = serializers.CharField()
    steps = serializers.IntegerField(allow_null=True)
    cfg_scale = serializers.FloatField(allow_null=True)
    cfg_min = serializers.FloatField(allow_null=True)
    cfg_max = serializers.FloatField(allow_null=True)
    cfg_note = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    description = serializers.CharField()
    changelog = serializers.CharField()
    usage_tips = serializers.CharField()
    prompt_advice = serializers.CharField()
    negative_advice = serializers.CharField()
    requires_sign_in = serializers.BooleanField()
    early_access_until = serializers.DateTimeField(allow_null=True)
    resources = ResourceShape(many=True, source="recommended_resources")
    examples = ExampleShape(many=True, source="example_prompts")
    network_dim = serializers.IntegerField(allow_null=True)
    network_alpha = serializers.FloatField(allow_null=True)
    epochs = serializers.IntegerField(allow_null=True)
    training_steps = serializers.IntegerField(allow_null=True)
    job_id = serializers.UUIDField(source="job_uuid", allow_null=True)
    files = FileShape(many=True)
    covers = CoverShape(many=True)
    removal = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(RemovalShape(allow_null=True))
    def get_removal(self, version: ModelVersion) -> Any:
        """What is told of deleted files; null while there are files."""
        return RemovalShape(version.tombstone).data if version.is_tombstone else None


class ModelShape(serializers.Serializer[Model]):
    """A model in a list."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    subject = serializers.CharField()
    status = serializers.CharField()
    visibility = serializers.CharField()
    owner = PersonShape()
    team = serializers.CharField(source="team.slug", allow_null=True, default=None)
    nsfw_level = serializers.IntegerField()
    is_verified = serializers.BooleanField()
    is_trained_here = serializers.BooleanField()
    download_count = serializers.IntegerField()
    thumbs_up_count = serializers.IntegerField()
    rating = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_version_at = serializers.DateTimeField()


class ModelCardShape(ModelShape):
    """A model in a list, with what its newest version says."""

    version_id = serializers.IntegerField(source="latest_version_id", allow_null=True)
    base_model = serializers.CharField(
        source="latest_version.base_model.name", allow_null=True, default=None
    )
    trigger_words = serializers.SerializerMethodField()

    def get_trigger_words(self, model: Model) -> list[str]:
        """Words of the newest version."""
        return model.latest_version.trained_words if model.latest_version else []


class FullModelShape(ModelShape):
    """A model with everything that its card says."""

    description = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField(), source="tag_names")
    checkpoint_type = serializers.CharField()
    licence = serializers.CharField()
    allow_no_credit = serializers.BooleanField()
    allow_derivatives = serializers.BooleanField()
    allow_different_license = serializers.BooleanField()
    allow_commercial_use = serializers.ListField(child=serializers.CharField())


class ModelDetailShape(serializers.Serializer[ModelDetail]):
    """A model with the versions that the caller may see, newest first, and what they may do."""

    model = FullModelShape()
    versions = VersionShape(many=True)
    can_edit = serializers.BooleanField()
    can_add_version = serializers.BooleanField()
