"""What becomes of models, versions and files: archived and back, taken back, files deleted."""

from collections.abc import Callable
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.native.access import ModelView, actor_of
from hub.api.native.model_shapes import FileShape, ModelDetailShape, VersionShape
from hub.api.native.pages import ErrorShape, body_of
from models_registry.queries import file_of, model_alone, model_detail, version_detail
from models_registry.services.files import make_primary, rescan_file
from models_registry.services.publish import archive_model, restore_model, unpublish_version
from models_registry.services.tombstones import delete_files

REFUSALS = {403: ErrorShape, 404: ErrorShape, 409: ErrorShape}


class ReasonForm(serializers.Serializer[Any]):
    """Why; it stays on the version for everyone to read."""

    reason = serializers.CharField()


class ArchivedModel(ModelView):
    """Keeping a model without handing it out."""

    @extend_schema(
        operation_id="models_archive",
        request=None,
        responses={200: ModelDetailShape, **REFUSALS},
    )
    def post(self, request: Request, model_id: int) -> Response:
        """Hand out no files any more; the card, the hashes and the words stay."""
        return _moved(request, model_id, archive_model)


class RestoredModel(ModelView):
    """Taking a model out of the archive."""

    @extend_schema(
        operation_id="models_restore",
        request=None,
        responses={200: ModelDetailShape, **REFUSALS},
    )
    def post(self, request: Request, model_id: int) -> Response:
        """Hand out the files of an archived model again."""
        return _moved(request, model_id, restore_model)


class UnpublishedVersion(ModelView):
    """Taking a version back."""

    @extend_schema(
        operation_id="versions_unpublish",
        request=None,
        responses={200: VersionShape, **REFUSALS},
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Show it to its own people only; `publish/` shows it to others again."""
        return _changed(request, version_id, unpublish_version)


class DeletedFiles(ModelView):
    """Deleting what a published version holds."""

    @extend_schema(
        operation_id="versions_delete_files",
        request=ReasonForm,
        responses={200: VersionShape, 400: ErrorShape, **REFUSALS},
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Delete the files for good; names, hashes, trigger words and the reason stay."""
        sent = body_of(request, ReasonForm)
        return _changed(request, version_id, partial(delete_files, **sent))


class PrimaryFile(ModelView):
    """The file that a plain download gives."""

    @extend_schema(
        operation_id="files_primary", request=None, responses={200: FileShape, **REFUSALS}
    )
    def post(self, request: Request, file_id: int) -> Response:
        """Make this the one."""
        return _done(request, file_id, make_primary)


class RescannedFile(ModelView):
    """Another look at the bytes."""

    @extend_schema(
        operation_id="files_rescan", request=None, responses={200: FileShape, **REFUSALS}
    )
    def post(self, request: Request, file_id: int) -> Response:
        """Check the file again; until then only the people of the model may fetch it."""
        return _done(request, file_id, rescan_file)


def _moved(request: Request, model_id: int, move: Callable[..., object]) -> Response:
    actor = actor_of(request)
    move(actor=actor, model=model_alone(viewer=actor, model_id=model_id))
    return Response(ModelDetailShape(model_detail(viewer=actor, model_id=model_id)).data)


def _changed(request: Request, version_id: int, change: Callable[..., object]) -> Response:
    actor = actor_of(request)
    change(actor=actor, version=version_detail(viewer=actor, version_id=version_id))
    return Response(VersionShape(version_detail(viewer=actor, version_id=version_id)).data)


def _done(request: Request, file_id: int, service: Callable[..., object]) -> Response:
    actor = actor_of(request)
    service(actor=actor, file=file_of(viewer=actor, file_id=file_id))
    return Response(FileShape(file_of(viewer=actor, file_id=file_id)).data)
