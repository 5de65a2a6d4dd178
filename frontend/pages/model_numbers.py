"""Addresses as tools for Civitai build them: `/models/12/some-name?modelVersionId=34`."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from frontend.requests import PageRequest
from models_registry.queries import model_detail


@require_safe
def model_by_number(request: PageRequest, model_id: int, name: str = "") -> HttpResponse:
    """Lead to the model's page, at the version that the address names."""
    detail = model_detail(viewer=request.user, model_id=model_id)
    page = reverse("model", args=[detail.model.slug])
    wanted = request.GET.get("modelVersionId", "")
    for version in detail.versions:
        if str(version.pk) == wanted:
            page = f"{page}?v={version.index}"
    return redirect(page)


urlpatterns = [
    path("models/<int:model_id>/", model_by_number, name="model_by_number"),
    path("models/<int:model_id>/<str:name>/", model_by_number, name="model_by_number_and_name"),
]
