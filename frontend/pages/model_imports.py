"""Import by address: begin one, watch it arrive, go on, make a model of it."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from frontend.access import signed_in
from frontend.contexts.model_imports import imports_context
from frontend.forms.model_imports import ImportForm
from frontend.rendering import render_page
from frontend.requests import MemberRequest
from frontend.sent_once import sent_once
from frontend.toasts import errors_as_toast
from hub.core.errors import AtelierError
from models_registry.services.importing import begin_import, cancel_import, retry_import


@signed_in
@sent_once
def imports(request: MemberRequest) -> HttpResponse:
    """The person's imports with a form for another; htmx asks for the list while one is open."""
    form = ImportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            begin_import(actor=request.user, url=form.cleaned_data["url"])
        except AtelierError as error:
            form.add_error("url", error.message)
        else:
            return redirect("model_imports")
    context = {"page": imports_context(request.user), "form": form, "nav": "models"}
    if request.method == "POST":
        return render(request, "models/imports.html", context, status=422)
    return render_page(request, "models/imports.html", context, partial="rows")


@require_POST
@signed_in
def cancel(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """Stop one; its bytes stay for another attempt."""
    with errors_as_toast(request):
        cancel_import(actor=request.user, import_id=import_id)
    return redirect("model_imports")


@require_POST
@signed_in
def retry(request: MemberRequest, import_id: UUID) -> HttpResponse:
    """Go on where it stopped."""
    with errors_as_toast(request):
        retry_import(actor=request.user, import_id=import_id)
    return redirect("model_imports")


urlpatterns = [
    path("models/imports/", imports, name="model_imports"),
    path("models/imports/<uuid:import_id>/cancel/", cancel, name="model_import_cancel"),
    path("models/imports/<uuid:import_id>/retry/", retry, name="model_import_retry"),
]
