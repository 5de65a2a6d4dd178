"""Downloads of many models: a collection, or whatever a list of models shows."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from frontend.contexts.model_export import Export, archive_entries, export_of
from frontend.forms.models import ModelListForm
from hub.accounts.models import User
from hub.accounts.queries import current_team
from hub.core.errors import Invalid, NotFound, TooLarge
from hub.storage.archive_delivery import begins_at_start, serve_archive
from hub.storage.delivery import content_disposition
from models_registry.catalogue import catalogue_page
from models_registry.collection_queries import collection_detail
from models_registry.filters import ModelFilters, Sort
from models_registry.services.bulk import LAYOUTS, BulkPlan, plan_bulk, record_bulk
from models_registry.services.download import visitor_digest
from models_registry.services.names import clean_file_name


@require_safe
def collection_manifest(request: HttpRequest, collection_id: int) -> HttpResponse:
    """A collection as JSON."""
    return _json(_collection(request, collection_id))


@require_safe
def collection_aria2(request: HttpRequest, collection_id: int) -> HttpResponse:
    """A collection as input of aria2."""
    return _aria2(request, _collection(request, collection_id))


@require_safe
def collection_zip(request: HttpRequest, collection_id: int) -> HttpResponseBase:
    """The files of a collection."""
    return _zip(request, _collection(request, collection_id))


@require_safe
def list_zip(request: HttpRequest) -> HttpResponseBase:
    """The files of a filtered list."""
    return _zip(request, _list(request))


@require_safe
def list_manifest(request: HttpRequest) -> HttpResponse:
    """A filtered list as JSON."""
    return _json(_list(request))


@require_safe
def list_aria2(request: HttpRequest) -> HttpResponse:
    """A filtered list as input of aria2."""
    return _aria2(request, _list(request))


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
    limit = settings.BULK_MAX_MODELS
    page = catalogue_page(viewer=request.user, filters=filters, sort=order, limit=limit)
    origin = request.build_absolute_uri("/").rstrip("/")
    is_complete = page.next_cursor is None
    return export_of(title, page.items, viewer=request.user, origin=origin, is_complete=is_complete)


def _zip(request: HttpRequest, export: Export) -> HttpResponseBase:
    """Streamed and resumable; counts as downloads when it begins."""
    if not export.is_complete:
        raise TooLarge(
            _("These are more than %s models. Filter the list, or take the list for aria2.")
            % settings.BULK_MAX_MODELS
        )
    plan = _plan(request, export)
    if not plan.files:
        raise NotFound(_("None of these models has a file that you may download."))
    if request.method == "GET" and begins_at_start(request):
        user = request.user if isinstance(request.user, User) else None
        record_bulk(plan=plan, user=user, visitor=_visitor(request))
    name = clean_file_name(f"{export.title}.zip")
    response = serve_archive(request, archive_entries(plan, export), filename=name)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _plan(request: HttpRequest, export: Export) -> BulkPlan:
    """`?layout=a1111` and `?layout=comfyui` name the folders of those programs."""
    layout = request.GET.get("layout", "")
    if layout not in LAYOUTS:
        names = ", ".join(filter(None, LAYOUTS))
        raise Invalid(_("The layout is one of: %s.") % names)
    return plan_bulk(viewer=request.user, models=export.models, layout=layout)


def _visitor(request: HttpRequest) -> str:
    return visitor_digest(
        address=request.META.get("REMOTE_ADDR", ""), agent=request.headers.get("User-Agent", "")
    )


def _json(export: Export) -> HttpResponse:
    response = JsonResponse(export.manifest(), json_dumps_params={"indent": 2})
    return _named(response, f"{export.title}.json")


def _aria2(request: HttpRequest, export: Export) -> HttpResponse:
    text = export.aria2(_plan(request, export))
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
    path("collections/<int:collection_id>/models.zip", collection_zip, name="collection_zip"),
    path("models/export/models.zip", list_zip, name="models_zip"),
    path("models/export/models.json", list_manifest, name="models_manifest"),
    path("models/export/aria2.txt", list_aria2, name="models_aria2"),
]
