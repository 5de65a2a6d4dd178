"""`/versions/{id}/lineage/`: version, run, snapshot, base, and everything made from it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.native.access import ModelView
from hub.api.native.pages import ErrorShape
from models_registry.lineage import Lineage, Relative, lineage_of
from models_registry.models.version import ModelVersion
from models_registry.queries import version_detail


class RelativeShape(serializers.Serializer[Relative]):
    """A version and how many steps away it is."""

    version_id = serializers.IntegerField(source="version.pk")
    version_name = serializers.CharField(source="version.name")
    model_id = serializers.IntegerField(source="version.model_id")
    model_name = serializers.CharField(source="version.model.name")
    model_type = serializers.CharField(source="version.model.type")
    depth = serializers.IntegerField()


class LineageShape(serializers.Serializer[Any]):
    """Every arrow: run, snapshot and base of the version, then its bases and descendants."""

    job_id = serializers.UUIDField(source="version.job_uuid", allow_null=True)
    engine_version = serializers.CharField(source="version.engine_version")
    dataset_snapshot_id = serializers.UUIDField(
        source="version.dataset_snapshot_uuid", allow_null=True
    )
    snapshot_hash = serializers.CharField(source="version.snapshot_hash")
    base_sha256 = serializers.CharField(source="version.base_model_sha256")
    has_hidden_base = serializers.BooleanField(source="lineage.hidden_base")
    bases = RelativeShape(many=True, source="lineage.bases")
    descendants = RelativeShape(many=True, source="lineage.descendants")


class VersionLineage(ModelView):
    """Where a version stands among others."""

    @extend_schema(operation_id="lineage_show", responses={200: LineageShape, 404: ErrorShape})
    def get(self, request: Request, version_id: int) -> Response:
        """Show what a version was made from and what was made from it, as far as one may see."""
        version: ModelVersion = version_detail(viewer=request.user, version_id=version_id)
        lineage: Lineage = lineage_of(viewer=request.user, version=version)
        return Response(LineageShape({"version": version, "lineage": lineage}).data)
