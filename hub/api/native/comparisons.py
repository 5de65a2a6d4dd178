"""`/comparisons/`: the same prompt and seed across checkpoints, VAEs and weights."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.accounts.models import User
from hub.api.native.access import ModelView, actor_of
from hub.api.native.pages import ErrorShape, PageQuery, body_of, page_answer, page_of, query_of
from hub.api.native.people import PersonShape
from hub.core.errors import NotFound
from hub.core.pagination import keyset
from hub.storage.pictures import picture_url
from models_registry.models.version import ModelVersion
from models_registry.queries import version_detail
from training.jobs.comparison_queries import comparison_for, comparisons_of
from training.jobs.models.comparison import Comparison, ComparisonColumn
from training.jobs.services import comparisons
from training.jobs.services.comparison_wish import ComparisonWish

FAILURES = {400: ErrorShape, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape}
NEWEST = ("-created_at", "-id")


class ComparisonForm(serializers.Serializer[Any]):
    """What is drawn side by side; checkpoints and VAEs by version id, null the checkpoint's own."""

    checkpoints = serializers.ListField(child=serializers.IntegerField(), min_length=1)
    vaes = serializers.ListField(
        child=serializers.IntegerField(allow_null=True), required=False, default=lambda: [None]
    )
    weights = serializers.ListField(
        child=serializers.FloatField(), required=False, default=lambda: [1.0]
    )
    with_plain = serializers.BooleanField(
        required=False, default=True, help_text="Also a column without the version."
    )
    prompts = serializers.ListField(child=serializers.CharField(), min_length=1)
    negative = serializers.CharField(required=False, allow_blank=True, default="")
    seeds = serializers.ListField(
        child=serializers.IntegerField(), required=False, default=lambda: [1]
    )
    steps = serializers.IntegerField(required=False, default=20)
    guidance = serializers.FloatField(required=False, default=7.0, help_text="CFG.")
    sampler = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    width = serializers.IntegerField(required=False, allow_null=True, default=None)
    height = serializers.IntegerField(required=False, allow_null=True, default=None)
    clip_skip = serializers.IntegerField(required=False, default=1)


class PictureShape(serializers.Serializer[Any]):
    """One picture of a column."""

    prompt_index = serializers.IntegerField()
    seed = serializers.IntegerField()
    url = serializers.CharField()


class ColumnShape(serializers.Serializer[ComparisonColumn]):
    """What a column was drawn with; null ids and empty names where that is not for the caller."""

    checkpoint_id = serializers.IntegerField(source="base.pk", allow_null=True, default=None)
    checkpoint_name = serializers.SerializerMethodField()
    vae_id = serializers.IntegerField(source="vae.pk", allow_null=True, default=None)
    vae_name = serializers.SerializerMethodField()
    is_applied = serializers.BooleanField()
    weight = serializers.FloatField(allow_null=True)
    pictures = serializers.SerializerMethodField()

    def get_checkpoint_name(self, column: ComparisonColumn) -> str:
        """Its name when it was drawn."""
        return "" if column.base is None and column.base_id else column.base_name

    def get_vae_name(self, column: ComparisonColumn) -> str:
        """Its name when it was drawn, empty for the checkpoint's own."""
        return "" if column.vae is None and column.vae_id else column.vae_name

    def get_pictures(self, column: ComparisonColumn) -> list[dict[str, Any]]:
        """Pictures that are drawn already."""
        version = column.comparison.version
        public = version.model.shows_everyone(version)
        cells = sorted(column.cells.all(), key=lambda cell: (cell.prompt_index, cell.seed))
        rows = [
            {
                "prompt_index": cell.prompt_index,
                "seed": cell.seed,
                "url": picture_url(cell.blob, public=public),
            }
            for cell in cells
        ]
        return list(PictureShape(rows, many=True).data)


class ComparisonShape(serializers.Serializer[Comparison]):
    """A comparison with what is drawn of it."""

    id = serializers.UUIDField()
    version_id = serializers.IntegerField()
    requested_by = PersonShape()
    state = serializers.CharField()
    error = serializers.CharField(source="error_message")
    prompts = serializers.ListField(child=serializers.CharField())
    negative = serializers.CharField()
    seeds = serializers.ListField(child=serializers.IntegerField())
    steps = serializers.IntegerField()
    guidance = serializers.FloatField()
    sampler = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    clip_skip = serializers.IntegerField()
    pictures_made = serializers.IntegerField(source="made")
    pictures_total = serializers.IntegerField(source="total_cells")
    columns = ColumnShape(many=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class VersionComparisons(ModelView):
    """What is kept with a version."""

    @extend_schema(
        operation_id="comparisons_list",
        parameters=[PageQuery],
        responses=page_of(ComparisonShape),
    )
    def get(self, request: Request, version_id: int) -> Response:
        """List comparisons, newest first."""
        query = query_of(request, PageQuery)
        version = version_detail(viewer=request.user, version_id=version_id)
        rows = comparisons_of(request.user, version)
        page = keyset(rows, order=NEWEST, cursor=query.get("cursor"), limit=query["limit"])
        return page_answer(ComparisonShape, page)

    @extend_schema(
        operation_id="comparisons_request",
        request=ComparisonForm,
        responses={201: ComparisonShape, **FAILURES},
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Have a comparison drawn by a worker."""
        sent, actor = body_of(request, ComparisonForm), actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        bases = _versions(actor, sent.pop("checkpoints"))
        vaes = _versions(actor, sent.pop("vaes"))
        wish = ComparisonWish(bases=[row for row in bases if row], vaes=vaes, **sent)
        made = comparisons.request_comparison(actor=actor, version=version, wish=wish)
        return Response(ComparisonShape(comparison_for(actor, made.pk)).data, status=201)


class OneComparison(ModelView):
    """One comparison."""

    @extend_schema(
        operation_id="comparisons_show", responses={200: ComparisonShape, 404: ErrorShape}
    )
    def get(self, request: Request, comparison_id: UUID) -> Response:
        """Show a comparison with the pictures that are there."""
        return Response(ComparisonShape(comparison_for(request.user, comparison_id)).data)

    @extend_schema(operation_id="comparisons_delete", responses={204: None, **FAILURES})
    def delete(self, request: Request, comparison_id: UUID) -> Response:
        """Delete a comparison with its pictures."""
        actor = actor_of(request)
        found = comparison_for(actor, comparison_id)
        comparisons.delete_comparison(actor=actor, comparison=found)
        return Response(status=204)


class ComparisonCancel(ModelView):
    """Stopping one."""

    @extend_schema(
        operation_id="comparisons_cancel",
        request=None,
        responses={200: ComparisonShape, **FAILURES},
    )
    def post(self, request: Request, comparison_id: UUID) -> Response:
        """Draw no more; the pictures that are there stay."""
        actor = actor_of(request)
        found = comparison_for(actor, comparison_id)
        comparisons.cancel_comparison(actor=actor, comparison=found)
        return Response(ComparisonShape(comparison_for(actor, comparison_id)).data)


class ComparisonRetry(ModelView):
    """Going on with one."""

    @extend_schema(
        operation_id="comparisons_retry",
        request=None,
        responses={200: ComparisonShape, **FAILURES},
    )
    def post(self, request: Request, comparison_id: UUID) -> Response:
        """Draw what is missing of one that failed or was canceled."""
        actor = actor_of(request)
        found = comparison_for(actor, comparison_id)
        comparisons.retry_comparison(actor=actor, comparison=found)
        return Response(ComparisonShape(comparison_for(actor, comparison_id)).data)


def _versions(actor: User, ids: Sequence[int | None]) -> list[ModelVersion | None]:
    """The versions in the order of the ids, None for null; NotFound for one that is not there."""
    wanted = [pk for pk in ids if pk is not None]
    rows = ModelVersion.objects.visible_to(actor).filter(pk__in=wanted)
    known = {row.pk: row for row in rows.select_related("model", "base_model")}
    missing = [pk for pk in wanted if pk not in known]
    if missing:
        raise NotFound(_("There is no version %s, or you may not see it.") % missing[0])
    return [None if pk is None else known[pk] for pk in ids]
