"""`/datasets/`: pictures to train on."""

from typing import cast
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.native.access import DatasetView, actor_of
from hub.api.native.dataset_shapes import (
    DatasetDetailShape,
    DatasetQuery,
    DatasetShape,
    ImportShape,
    NewDatasetForm,
)
from hub.api.native.keys import uuid_in
from hub.api.native.model_forms import UploadForm
from hub.api.native.models import team_named
from hub.api.native.pages import ErrorShape, body_of, page_answer, page_of, query_of
from hub.core.errors import NotFound
from hub.core.pagination import keyset
from training.datasets.models.dataset import Dataset
from training.datasets.queries import (
    dataset_for,
    datasets_of,
    import_report,
    imports_of,
    problem_counts,
)
from training.datasets.services.importing import create_dataset, start_import

NEWEST_CHANGE = ("-updated_at", "-id")


class Datasets(DatasetView):
    """All datasets that the caller sees."""

    @extend_schema(
        operation_id="datasets_list", parameters=[DatasetQuery], responses=page_of(DatasetShape)
    )
    def get(self, request: Request) -> Response:
        """List datasets, the newest change first."""
        query = query_of(request, DatasetQuery)
        team = team_named(request, query["team"]) if "team" in query else None
        rows = datasets_of(actor_of(request), team=team)
        page = keyset(rows, order=NEWEST_CHANGE, cursor=query.get("cursor"), limit=query["limit"])
        return page_answer(DatasetShape, page)

    @extend_schema(
        operation_id="datasets_create",
        request=NewDatasetForm,
        responses={201: DatasetDetailShape, 400: ErrorShape, 404: ErrorShape},
    )
    def post(self, request: Request) -> Response:
        """Make an empty dataset for one of the caller's teams."""
        sent = body_of(request, NewDatasetForm)
        team = team_named(request, sent.pop("team"))
        dataset = create_dataset(actor=actor_of(request), team=team, **sent)
        return _detail(dataset, status=201)


class OneDataset(DatasetView):
    """One dataset."""

    @extend_schema(
        operation_id="datasets_show", responses={200: DatasetDetailShape, 404: ErrorShape}
    )
    def get(self, request: Request, key: str) -> Response:
        """Show a dataset by its id or the name in its address."""
        return _detail(_dataset(request, key))


class DatasetImports(DatasetView):
    """What was brought into one dataset."""

    @extend_schema(
        operation_id="imports_start",
        request=UploadForm,
        responses={202: ImportShape, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape},
    )
    def post(self, request: Request, key: str) -> Response:
        """Read a finished upload (picture, caption or zip) into the dataset, in the background."""
        dataset = _dataset(request, key)
        upload_id = body_of(request, UploadForm)["upload_id"]
        batch = start_import(actor=actor_of(request), dataset=dataset, upload_id=upload_id)
        return Response(ImportShape(import_report(batch)).data, status=202)


class OneImport(DatasetView):
    """One import."""

    @extend_schema(operation_id="imports_show", responses={200: ImportShape, 404: ErrorShape})
    def get(self, request: Request, key: str, import_id: UUID) -> Response:
        """Show what became of each file so far."""
        batch = imports_of(_dataset(request, key)).filter(pk=import_id).first()
        if batch is None:
            raise NotFound(_("There is no such import into this dataset."))
        return Response(ImportShape(import_report(batch)).data)


def _dataset(request: Request, key: str) -> Dataset:
    return dataset_for(actor_of(request), uuid_in(key) or key)


def _detail(dataset: Dataset, *, status: int = 200) -> Response:
    context = {"problems": problem_counts(dataset)}
    return Response(cast(object, DatasetDetailShape(dataset, context=context).data), status=status)
