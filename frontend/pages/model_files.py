"""What a file holds, tensor by tensor; and where a version stands among others."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import signed_in
from frontend.contexts.model_lineage import lineage_context
from frontend.contexts.model_tensors import tensors_context
from frontend.pages.models import version_url
from frontend.requests import MemberRequest, PageRequest
from frontend.toasts import add_toast, errors_as_toast
from models_registry.queries import file_of, version_detail
from models_registry.services.conversion import request_conversion

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


@require_POST
@signed_in
def convert(request: MemberRequest, file_id: int) -> HttpResponse:
    """Have a pickle converted to safetensors."""
    file = file_of(viewer=request.user, file_id=file_id)
    with errors_as_toast(request):
        request_conversion(actor=request.user, file=file)
        add_toast(request, _("The file is being converted; the new one appears beside it."))
    return redirect(version_url(file.version))


urlpatterns = [
    path("models/files/<int:file_id>/convert/", convert, name="model_file_convert"),
    path("models/files/<int:file_id>/tensors/", tensors, name="model_file_tensors"),
    path("models/versions/<int:version_id>/lineage/", lineage, name="model_lineage"),
]
