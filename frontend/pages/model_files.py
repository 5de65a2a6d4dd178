"""What a file holds, tensor by tensor; and where a version stands among others."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from frontend.contexts.model_lineage import lineage_context
from frontend.contexts.model_tensors import tensors_context
from frontend.requests import PageRequest
from models_registry.queries import file_of, version_detail

MAX_QUERY = 100


@require_safe
def tensors(request: PageRequest, file_id: int) -> HttpResponse:
    """Names, shapes and number formats from the file's header."""
    file = file_of(viewer=request.user, file_id=file_id)
    query = request.GET.get("q", "").strip()[:MAX_QUERY]
    page = tensors_context(viewer=request.user, file=file, query=query)
    return render(request, "models/tensors.html", {"page": page, "nav": "models"})


@require_safe
def lineage(request: PageRequest, version_id: int) -> HttpResponse:
    """What the version was made from, and what was made from it."""
    version = version_detail(viewer=request.user, version_id=version_id)
    page = lineage_context(viewer=request.user, version=version)
    return render(request, "models/lineage.html", {"page": page, "nav": "models"})


urlpatterns = [
    path("models/files/<int:file_id>/tensors/", tensors, name="model_file_tensors"),
    path("models/versions/<int:version_id>/lineage/", lineage, name="model_lineage"),
]
