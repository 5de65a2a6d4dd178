"""What v2 says and takes about datasets."""

from typing import Any

from rest_framework import serializers

from hub.api.native.pages import PageQuery
from hub.api.native.people import PersonShape
from training.datasets.models.dataset import Dataset, Kind
from training.datasets.models.importing import Outcome
from training.datasets.queries import ImportReport


class DatasetShape(serializers.Serializer[Dataset]):
    """A dataset; `resolution` in pixels."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    trigger_word = serializers.CharField()
    class_prompt = serializers.CharField()
    description = serializers.CharField()
    resolution = serializers.IntegerField()
    visibility = serializers.CharField()
    team = serializers.CharField(source="team.slug")
    owner = PersonShape()
    item_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DatasetDetailShape(DatasetShape):
    """A dataset with the number of pictures that have each problem."""

    problems = serializers.SerializerMethodField()

    def get_problems(self, dataset: Dataset) -> dict[str, int]:
        """Every problem by its code."""
        counts: dict[str, int] = self.context["problems"]
        return counts


class ImportShape(serializers.Serializer[ImportReport]):
    """What became of an upload; `outcomes` and `problems` count files by code."""

    id = serializers.UUIDField(source="batch.pk")
    filename = serializers.CharField(source="batch.filename")
    status = serializers.CharField(source="batch.status")
    error_code = serializers.CharField(source="batch.error_code")
    error_message = serializers.CharField(source="batch.error_message")
    added = serializers.IntegerField()
    outcomes = serializers.DictField(child=serializers.IntegerField())
    problems = serializers.DictField(child=serializers.IntegerField())
    left_out = serializers.SerializerMethodField()

    def get_left_out(self, report: ImportReport) -> list[dict[str, str]]:
        """The files that were neither pictures nor captions of one."""
        kept = {Outcome.ADDED, Outcome.CAPTION}
        rows = (entry for entry in report.entries if entry.outcome not in kept)
        return [{"name": row.name, "outcome": row.outcome} for row in rows]


class DatasetQuery(PageQuery):
    """Filters of the list of datasets."""

    team = serializers.SlugField(required=False, help_text="One of my teams.")


class NewDatasetForm(serializers.Serializer[Any]):
    """An empty dataset of one of my teams."""

    team = serializers.SlugField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Kind.values, required=False)
    trigger_word = serializers.CharField(required=False, allow_blank=True, max_length=80)
    class_prompt = serializers.CharField(required=False, allow_blank=True, max_length=200)
    resolution = serializers.IntegerField(required=False)
