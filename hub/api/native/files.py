"""`/files/`: model files by id and by hash."""

from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.native.access import MODEL_READERS, ModelView, actor_of
from hub.api.native.model_forms import HashesForm
from hub.api.native.model_shapes import FileShape, KnownFileShape
from hub.api.native.pages import ErrorShape, body_of, query_of, shaped
from models_registry.known_files import any_of_size, files_of_hash, files_of_hashes
from models_registry.models.file import (
    PRECISIONS,
    EmaWeights,
    FileFormat,
    FileKind,
    ModelFile,
    SizeKind,
)
from models_registry.models.model import ModelType
from models_registry.name_lookup import files_of_name
from models_registry.queries import conversion_of, file_of
from models_registry.services.conversion import request_conversion
from models_registry.services.file_facts import FileFacts, describe_file
from models_registry.services.files import remove_file
from models_registry.services.suggestions import facts_of_header

MAX_SIZE = 2**62
MAX_NAME = 1000
REFUSALS = {400: ErrorShape, 403: ErrorShape, 404: ErrorShape}


class KnownFiles(serializers.Serializer[Any]):
    """Files of a hash or name, earliest publication first; `is_ambiguous` if contents differ."""

    items = KnownFileShape(many=True)
    is_ambiguous = serializers.BooleanField()


class ConversionShape(serializers.Serializer[Any]):
    """How far a conversion is: queued, running, succeeded with a file, or failed with a reason."""

    status = serializers.CharField()
    failure = serializers.CharField()
    result_id = serializers.IntegerField(allow_null=True)


class SizeAnswer(serializers.Serializer[Any]):
    """Whether there is a file of this size."""

    any = serializers.BooleanField()


class HeaderForm(serializers.Serializer[Any]):
    """The header's JSON text and the length of the whole file."""

    header = serializers.CharField(trim_whitespace=False)
    size_bytes = serializers.IntegerField(min_value=0)


class HeaderFactsShape(serializers.Serializer[Any]):
    """Empty where the header says nothing that is known here."""

    title = serializers.CharField()
    type = serializers.CharField()
    base_model = serializers.CharField()
    trigger_words = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()
    licence = serializers.CharField()


class FilesByHash(serializers.Serializer[Any]):
    """Files by each hash as it was asked for; what is not here is left out."""

    found = serializers.DictField(child=KnownFileShape(many=True))


class NameQuery(serializers.Serializer[Any]):
    """What a picture says of a file; several types are alternatives."""

    name = serializers.CharField(
        max_length=MAX_NAME, help_text="With or without a folder and the suffix, in any case."
    )
    type = serializers.MultipleChoiceField(choices=ModelType.values, required=False)


class FileChange(serializers.Serializer[Any]):
    """What people know better than the hub; "" is "not known". Bytes have the last word."""

    kind = serializers.ChoiceField(choices=FileKind.choices, required=False)
    format = serializers.ChoiceField(choices=FileFormat.choices, required=False)
    precision = serializers.ChoiceField(choices=PRECISIONS, required=False, allow_blank=True)
    size_kind = serializers.ChoiceField(choices=SizeKind.choices, required=False, allow_blank=True)
    ema = serializers.ChoiceField(choices=EmaWeights.choices, required=False, allow_blank=True)


class OneFile(ModelView):
    """One file."""

    @extend_schema(operation_id="files_show", responses={200: FileShape, 404: ErrorShape})
    def get(self, request: Request, file_id: int) -> Response:
        """Show a file of a version that the caller may see."""
        return Response(FileShape(file_of(viewer=request.user, file_id=file_id)).data)

    @extend_schema(
        operation_id="files_change",
        request=FileChange,
        responses={200: FileShape, **REFUSALS, 409: ErrorShape},
    )
    def patch(self, request: Request, file_id: int) -> Response:
        """Say what a file is, where its bytes do not; another kind has it scanned again."""
        sent, actor = body_of(request, FileChange, partial=True), actor_of(request)
        file = file_of(viewer=actor, file_id=file_id)
        facts = replace(FileFacts.of(file), **sent)
        return Response(FileShape(describe_file(actor=actor, file=file, facts=facts)).data)

    @extend_schema(
        operation_id="files_remove",
        responses={204: None, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape},
    )
    def delete(self, request: Request, file_id: int) -> Response:
        """Take a file out of its version; 409 `last_file` for the last one of a public version."""
        actor = actor_of(request)
        remove_file(actor=actor, file=file_of(viewer=actor, file_id=file_id))
        return Response(status=204)


class FileConversion(ModelView):
    """Making a safetensors file of a pickle."""

    @extend_schema(
        operation_id="files_convert",
        request=None,
        responses={202: ConversionShape, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape},
    )
    def post(self, request: Request, file_id: int) -> Response:
        """Ask for a conversion; the file that comes out is one of the same version."""
        actor = actor_of(request)
        file = file_of(viewer=actor, file_id=file_id)
        row = request_conversion(actor=actor, file=file)
        return Response(ConversionShape(row).data, status=202)

    @extend_schema(
        operation_id="files_conversion", responses={200: ConversionShape, 404: ErrorShape}
    )
    def get(self, request: Request, file_id: int) -> Response:
        """Show how far a conversion is."""
        row = conversion_of(file_of(viewer=request.user, file_id=file_id))
        return Response(ConversionShape(row).data)


class FilesOfSize(ModelView):
    """A cheap question before a costly one."""

    @extend_schema(operation_id="files_of_size", responses={200: SizeAnswer})
    def get(self, request: Request, size_bytes: int) -> Response:
        """Whether a file of exactly this size is within reach; only then its hash is worth it."""
        size = min(size_bytes, MAX_SIZE)
        return Response({"any": any_of_size(viewer=request.user, size_bytes=size)})


class ReadHeader(ModelView):
    """What a safetensors header says, before the file is sent; reads only."""

    write_scopes = MODEL_READERS

    @extend_schema(
        operation_id="files_read_header",
        request=HeaderForm,
        responses={200: HeaderFactsShape, 400: ErrorShape},
    )
    def post(self, request: Request) -> Response:
        """Read the JSON text of a header, as the hub will when it has the file."""
        sent = body_of(request, HeaderForm)
        return Response(HeaderFactsShape(facts_of_header(**sent)).data)


class FileByHash(ModelView):
    """Files of one hash."""

    @extend_schema(operation_id="files_by_hash", responses={200: KnownFiles, 400: ErrorShape})
    def get(self, request: Request, hash_text: str) -> Response:
        """Find files by any hash, in any case, or by 8 and more digits of it."""
        return _known(files_of_hash(viewer=request.user, text=hash_text))


class FileByName(ModelView):
    """Files of one name."""

    @extend_schema(
        operation_id="files_by_name",
        parameters=[NameQuery],
        responses={200: KnownFiles, 400: ErrorShape},
    )
    def get(self, request: Request) -> Response:
        """Find files by the name that they have on a disk; names are no proof, hashes are."""
        asked = query_of(request, NameQuery)
        types = sorted(asked.get("type", ()))
        return _known(files_of_name(viewer=request.user, name=asked["name"], types=types))


class ManyByHash(ModelView):
    """Files of many hashes; reads only, POST because of the length."""

    write_scopes = MODEL_READERS

    @extend_schema(
        operation_id="files_by_hashes",
        request=HashesForm,
        responses={200: FilesByHash, 400: ErrorShape},
    )
    def post(self, request: Request) -> Response:
        """Find files by up to 100 whole hashes at once."""
        hashes = body_of(request, HashesForm)["hashes"]
        found = files_of_hashes(viewer=request.user, texts=hashes)
        shown = {text: shaped(KnownFileShape, rows) for text, rows in found.items()}
        return Response({"found": shown})


def _known(files: list[ModelFile]) -> Response:
    contents = {file.blob_id for file in files}
    return Response(KnownFiles({"items": files, "is_ambiguous": len(contents) > 1}).data)
