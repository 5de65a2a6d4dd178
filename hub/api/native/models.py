"""`/models/`, `/versions/`: the registry."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.accounts.models import Team
from hub.accounts.queries import teams_of
from hub.api.native.access import ModelView, actor_of
from hub.api.native.advice import write_advice
from hub.api.native.model_forms import (
    ACCESS_FIELDS,
    ModelForm,
    ModelQuery,
    NewFileForm,
    NewModelForm,
    UploadForm,
    VersionForm,
    filters_of,
    model_values,
    version_values,
    words_of,
)
from hub.api.native.model_shapes import (
    FileShape,
    ModelCardShape,
    ModelDetailShape,
    VersionShape,
)
from hub.api.native.pages import ErrorShape, body_of, page_answer, page_of, query_of
from hub.core.errors import NotFound
from models_registry.collection_queries import collection_detail
from models_registry.filters import Sort
from models_registry.known_files import blob_at_hand
from models_registry.models.file import FileKind
from models_registry.queries import file_of, model_alone, model_detail, model_list, version_detail
from models_registry.services.cards import card_edit
from models_registry.services.covers import add_uploaded_cover, remove_cover, show_first
from models_registry.services.drafts import create_model, create_version, set_trigger_words
from models_registry.services.edits import update_model, update_version
from models_registry.services.files import add_file
from models_registry.services.publish import publish_version
from models_registry.services.removal import delete_draft_model, delete_draft_version

KEPT = {403: ErrorShape, 404: ErrorShape, 409: ErrorShape}


class Models(ModelView):
    """All models."""

    @extend_schema(
        operation_id="models_list", parameters=[ModelQuery], responses=page_of(ModelCardShape)
    )
    def get(self, request: Request) -> Response:
        """List models, as the pages do; drafts only with scope=mine or scope=team."""
        query = query_of(request, ModelQuery)
        more: dict[str, Any] = {}
        if "team" in query:
            more["team"] = team_named(request, query["team"])
        if "collection" in query:
            key = query["collection"]
            found = collection_detail(viewer=request.user, collection_id=key)
            more["with_unlisted"] = found.can_fill
        page = model_list(
            viewer=request.user,
            filters=filters_of(query, **more),
            sort=Sort(query["sort"]) if "sort" in query else None,
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
        return page_answer(ModelCardShape, page)

    @extend_schema(
        operation_id="models_create",
        request=NewModelForm,
        responses={201: ModelDetailShape, 400: ErrorShape},
    )
    def post(self, request: Request) -> Response:
        """Make a draft."""
        sent = body_of(request, NewModelForm)
        team = team_named(request, sent.pop("team")) if "team" in sent else None
        model = create_model(actor=actor_of(request), team=team, **sent)
        detail = model_detail(viewer=request.user, model_id=model.pk)
        return Response(ModelDetailShape(detail).data, status=201)


class OneModel(ModelView):
    """One model."""

    @extend_schema(operation_id="models_show", responses={200: ModelDetailShape, 404: ErrorShape})
    def get(self, request: Request, model_id: int) -> Response:
        """Show a model with the versions that the caller may see."""
        detail = model_detail(viewer=request.user, model_id=model_id)
        return Response(ModelDetailShape(detail).data)

    @extend_schema(
        operation_id="models_change",
        request=ModelForm,
        responses={200: ModelDetailShape, 400: ErrorShape, 403: ErrorShape, 404: ErrorShape},
    )
    def patch(self, request: Request, model_id: int) -> Response:
        """Change the card."""
        sent, actor = body_of(request, ModelForm), actor_of(request)
        model = model_alone(viewer=actor, model_id=model_id)
        if "team" in sent:
            sent["team"] = team_named(request, sent["team"])
        update_model(actor=actor, model=model, **model_values(model, sent))
        return self.get(request, model_id)

    @extend_schema(operation_id="models_delete", responses={204: None, **KEPT})
    def delete(self, request: Request, model_id: int) -> Response:
        """Delete a draft with its versions; 409 `was_public` for what others may refer to."""
        actor = actor_of(request)
        delete_draft_model(actor=actor, model=model_alone(viewer=actor, model_id=model_id))
        return Response(status=204)


class ModelVersions(ModelView):
    """The versions of one model."""

    @extend_schema(
        operation_id="versions_create",
        request=VersionForm,
        responses={201: VersionShape, 400: ErrorShape, 403: ErrorShape, 404: ErrorShape},
    )
    def post(self, request: Request, model_id: int) -> Response:
        """Add a version as a draft."""
        sent = body_of(request, VersionForm)
        model = model_alone(viewer=request.user, model_id=model_id)
        actor, values = actor_of(request), version_values(sent)
        later = (*ACCESS_FIELDS, "training")
        access = {name: values.pop(name) for name in later if name in values}
        with transaction.atomic():
            words = words_of(sent) or ()
            version = create_version(actor=actor, model=model, trigger_words=words, **values)
            if access:
                update_version(actor=actor, version=version, **access)
            write_advice(actor, version, sent)
        return _version(request, version.pk, status=201)


class OneVersion(ModelView):
    """One version."""

    @extend_schema(operation_id="versions_show", responses={200: VersionShape, 404: ErrorShape})
    def get(self, request: Request, version_id: int) -> Response:
        """Show a version with its files."""
        return _version(request, version_id)

    @extend_schema(
        operation_id="versions_change",
        request=VersionForm,
        responses={200: VersionShape, 400: ErrorShape, 403: ErrorShape, 404: ErrorShape},
    )
    def patch(self, request: Request, version_id: int) -> Response:
        """Change what is said about a version."""
        sent, actor = body_of(request, VersionForm), actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        words = words_of(sent)
        with card_edit(actor=actor, model_id=version.model_id):
            update_version(actor=actor, version=version, **version_values(sent, version))
            if words is not None:
                set_trigger_words(actor=actor, version=version, words=words)
            write_advice(actor, version, sent)
        return _version(request, version_id)

    @extend_schema(operation_id="versions_delete", responses={204: None, **KEPT})
    def delete(self, request: Request, version_id: int) -> Response:
        """Delete a version that never was public; 409 `was_public` for any other."""
        actor = actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        delete_draft_version(actor=actor, version=version)
        return Response(status=204)


class VersionFiles(ModelView):
    """The files of one version."""

    @extend_schema(
        operation_id="files_add",
        request=NewFileForm,
        responses={201: FileShape, 400: ErrorShape, 403: ErrorShape, 404: ErrorShape},
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Add a finished upload, or bytes that are here and within the caller's reach."""
        sent, actor = body_of(request, NewFileForm), actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        sha256 = sent.pop("sha256", None)
        blob = blob_at_hand(viewer=actor, sha256=sha256) if sha256 else None
        sent.setdefault("kind", FileKind.MODEL)
        file = add_file(actor=actor, version=version, blob=blob, **sent)
        return Response(FileShape(file_of(viewer=actor, file_id=file.pk)).data, status=201)


class VersionCovers(ModelView):
    """The pictures of one version."""

    @extend_schema(
        operation_id="covers_add",
        request=UploadForm,
        responses={201: VersionShape, 400: ErrorShape, 403: ErrorShape, 404: ErrorShape},
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Add a finished upload as a picture, with the generation data that it carries."""
        sent, actor = body_of(request, UploadForm), actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        add_uploaded_cover(actor=actor, version=version, upload_id=sent["upload_id"])
        return _version(request, version_id, status=201)


class OneCover(ModelView):
    """One picture of a version."""

    @extend_schema(
        operation_id="covers_remove",
        responses={200: VersionShape, 403: ErrorShape, 404: ErrorShape},
    )
    def delete(self, request: Request, version_id: int, cover_id: int) -> Response:
        """Take a picture off a version."""
        return self._change(request, version_id, cover_id, remove_cover)

    @extend_schema(
        operation_id="covers_first",
        request=None,
        responses={200: VersionShape, 403: ErrorShape, 404: ErrorShape},
    )
    def post(self, request: Request, version_id: int, cover_id: int) -> Response:
        """Make a picture the one that cards show."""
        return self._change(request, version_id, cover_id, show_first)

    def _change(
        self, request: Request, version_id: int, cover_id: int, change: Callable[..., None]
    ) -> Response:
        actor = actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        change(actor=actor, version=version, cover_id=cover_id)
        return _version(request, version_id)


class PublishVersion(ModelView):
    """Making a version public."""

    @extend_schema(
        operation_id="versions_publish",
        request=None,
        responses={200: VersionShape, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape},
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Publish; 409 `not_ready` names in `missing` what is to be done before."""
        actor = actor_of(request)
        version = version_detail(viewer=actor, version_id=version_id)
        publish_version(actor=actor, version=version)
        return _version(request, version_id)


def team_named(request: Request, slug: str) -> Team:
    """One of the caller's teams; NotFound for any other."""
    team = teams_of(request.user).filter(slug=slug).first()
    if team is None:
        raise NotFound(_("You are in no team of this name. /api/v2/teams/ lists yours."))
    return team


def _version(request: Request, version_id: int, *, status: int = 200) -> Response:
    version = version_detail(viewer=request.user, version_id=version_id)
    return Response(VersionShape(version).data, status=status)
