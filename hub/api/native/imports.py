"""`/imports/`: files that the hub fetches itself, from an address that somebody names."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.accounts.models import Scope
from hub.api.native.access import NativeView, actor_of
from hub.api.native.pages import ErrorShape, body_of
from models_registry.import_queries import import_of, imports_of
from models_registry.models.remote_import import RemoteImport, RemoteStatus
from models_registry.services.importing import MAX_URL, begin_import, cancel_import, retry_import

FAILURES = {400: ErrorShape, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape}


class ImportView(NativeView):
    """Imports are one's own, and become files of models: one scope for seeing and starting."""

    read_scopes: ClassVar[tuple[Scope, ...]] = (Scope.MODELS_WRITE,)
    write_scopes: ClassVar[tuple[Scope, ...]] = (Scope.MODELS_WRITE,)


class ImportForm(serializers.Serializer[Any]):
    """Where the file is: http or https, on a public network, without a password in it."""

    url = serializers.CharField(max_length=MAX_URL)


class RemoteImportShape(serializers.Serializer[RemoteImport]):
    """How far one is. `upload_id` is null until it succeeded: name it where a file is added.

    `size_bytes` is null until the other side has told it; `failure` says why it failed and what to
    do.
    """

    id = serializers.UUIDField()
    url = serializers.CharField()
    filename = serializers.CharField()
    status = serializers.ChoiceField(choices=RemoteStatus.choices)
    received_bytes = serializers.IntegerField()
    size_bytes = serializers.IntegerField(allow_null=True)
    failure = serializers.CharField()
    upload_id = serializers.UUIDField(source="upload_uuid", allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RemoteImportList(serializers.Serializer[Any]):
    """The newest ones, at most 30."""

    items = RemoteImportShape(many=True)


class RemoteImports(ImportView):
    """One's own imports by address."""

    @extend_schema(operation_id="remote_imports_list", responses=RemoteImportList)
    def get(self, request: Request) -> Response:
        """List imports from an address, newest first."""
        return Response(RemoteImportList({"items": imports_of(actor_of(request))}).data)

    @extend_schema(
        operation_id="remote_imports_begin",
        request=ImportForm,
        responses={202: RemoteImportShape, **FAILURES},
    )
    def post(self, request: Request) -> Response:
        """Begin an import; a worker fetches the file, goes on after breaks, tries several times."""
        sent, actor = body_of(request, ImportForm), actor_of(request)
        row = begin_import(actor=actor, url=sent["url"])
        return Response(RemoteImportShape(row).data, status=202)


class OneRemoteImport(ImportView):
    """One import by address."""

    @extend_schema(
        operation_id="remote_imports_show", responses={200: RemoteImportShape, 404: ErrorShape}
    )
    def get(self, request: Request, import_id: UUID) -> Response:
        """Show how far an import is."""
        return Response(RemoteImportShape(import_of(actor_of(request), import_id)).data)


class RemoteImportCancel(ImportView):
    """Stopping one."""

    @extend_schema(
        operation_id="remote_imports_cancel",
        request=None,
        responses={200: RemoteImportShape, **FAILURES},
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """Fetch no more; the bytes that came stay for another attempt."""
        return _moved(request, import_id, cancel_import)


class RemoteImportRetry(ImportView):
    """Going on with one."""

    @extend_schema(
        operation_id="remote_imports_retry",
        request=None,
        responses={200: RemoteImportShape, **FAILURES},
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """Go on behind the bytes that came, after a failure or a cancel."""
        return _moved(request, import_id, retry_import)


def _moved(request: Request, import_id: UUID, move: Callable[..., None]) -> Response:
    actor = actor_of(request)
    move(actor=actor, import_id=import_id)
    return Response(RemoteImportShape(import_of(actor, import_id)).data)
