"""Downloads of many models: a collection, or whatever a list of models shows."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from frontend.contexts.model_export import EXPORT_LIMIT, Export, export_of
from frontend.forms.models import ModelListForm
from hub.accounts.queries import current_team
from hub.core.errors import Invalid
from hub.storage.delivery import content_disposition
from models_registry.catalogue import catalogue_page
from models_registry.collection_queries import collection_detail
from models_registry.filters import ModelFilters, Sort
from models_registry.services.names import clean_file_name


@require_safe
def collection_manifest(request: HttpRequest, collection_id: int) -> HttpResponse:
    """A collection as JSON."""
    return _json(_collection(request, collection_id))


@require_safe
def collection_aria2(request: HttpRequest, collection_id: int) -> HttpResponse:
    """A collection as input of aria2."""
    return _aria2(_collection(request, collection_id))


@require_safe
def list_manifest(request: HttpRequest) -> HttpResponse:
    """A filtered list as JSON."""
    return _json(_list(request))


@require_safe
def list_aria2(request: HttpRequest) -> HttpResponse:
    """A filtered list as input of aria2."""
    return _aria2(_list(request))


def _collection(request: HttpRequest, collection_id: int) -> Export:
    detail = collection_detail(viewer=request.user, collection_id=collection_id)
    return _export(request, detail.collection.name, detail.filters(), Sort.NEWEST)


def _list(request: HttpRequest) -> Export:
    form = ModelListForm(request.GET)
    if not form.is_valid():
        raise Invalid(_("This address has a filter that is not known. Start from all models."))
    filters = form.filters(team=current_team(request))
    return _export(request, "models", filters, form.sort_order or Sort.NEWEST)


def _export(request: HttpRequest, title: str, filters: ModelFilters, sort: Sort) -> Export:
    order = Sort.NEWEST if sort is Sort.RELEVANCE else sort
    page = catalogue_page(viewer=request.user, filters=filters, sort=order, limit=EXPORT_LIMIT)
    origin = request.build_absolute_uri("/").rstrip("/")
    return export_of(title, page.items, origin=origin, is_complete=page.next_cursor is None)


def _json(export: Export) -> HttpResponse:
    response = JsonResponse(export.manifest(), json_dumps_params={"indent": 2})
    return _named(response, f"{export.title}.json")


def _aria2(export: Export) -> HttpResponse:
    text = export.aria2()
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    return _named(response, f"{export.title}.aria2.txt")


def _named(response: HttpResponse, name: str) -> HttpResponse:
    response.headers["Content-Disposition"] = content_disposition(clean_file_name(name))
    response.headers["Cache-Control"] = "private, no-store"
    return response


urlpatterns = [
    path(
        "collections/<int:collection_id>/models.json",
        collection_manifest,
        name="collection_manifest",
    ),
    path("collections/<int:collection_id>/aria2.txt", collection_aria2, name="collection_aria2"),
    path("models/export/models.json", list_manifest, name="models_manifest"),
    path("models/export/aria2.txt", list_aria2, name="models_aria2"),
]
