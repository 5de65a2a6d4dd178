"""Comparisons: asked for from a model's page, watched while they are drawn, kept with it."""

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_allowed, require_visible, signed_in
from frontend.contexts.comparison import comparison_context, comparison_list
from frontend.contexts.comparison_form import can_compare, comparison_form
from frontend.form_errors import errors_on
from frontend.pages.models import version_url
from frontend.rendering import render_page
from frontend.requests import MemberRequest, PageRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast, errors_as_toast
from models_registry.models.version import ModelVersion
from models_registry.queries import version_detail
from training.jobs.comparison_queries import comparison_for
from training.jobs.permissions import can_change_comparison
from training.jobs.services import comparisons

ACTIONS = {"cancel": comparisons.cancel_comparison, "retry": comparisons.retry_comparison}


@signed_in
@sent_once
def new(request: MemberRequest, version_id: int) -> HttpResponse:
    """Choose what is drawn side by side."""
    version = version_detail(viewer=request.user, version_id=version_id)
    fits = version if can_compare(request.user, version) else None
    require_visible(fits, _("Models of this type cannot be drawn with."))
    form = comparison_form(request.user, version, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            made = comparisons.request_comparison(
                actor=request.user, version=version, wish=form.wish()
            )
            return redirect("comparison", comparison_id=made.pk)
    context = {"form": form, "version": version, "nav": "models"}
    return render(request, "models/compare.html", context, status=422 if form.is_bound else 200)


@require_safe
def kept(request: PageRequest, version_id: int) -> HttpResponse:
    """Every comparison that is kept with a version."""
    version = version_detail(viewer=request.user, version_id=version_id)
    found = comparison_list(request.user, version, all_of_them=True)
    context = {
        "version": version,
        "found": found,
        "can_compare": can_compare(request.user, version),
        "nav": "models",
    }
    return render(request, "models/comparisons.html", context)


@require_safe
def comparison(request: PageRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """One comparison; for htmx its pictures as they are now."""
    found = comparison_for(request.user, comparison_id)
    context = {"page": comparison_context(request.user, found), "nav": "models"}
    return render_page(request, "models/comparison.html", context, partial="cells")


@require_POST
@signed_in
def act(request: MemberRequest, comparison_id: uuid.UUID, action: str) -> HttpResponse:
    """Draw no more, or draw what is missing."""
    found = comparison_for(request.user, comparison_id)
    change = require_visible(ACTIONS.get(action))
    message = _("Only who asked for a comparison and the people of the model do this.")
    require_allowed(allowed=can_change_comparison(request.user, found), message=message)
    with errors_as_toast(request):
        change(actor=request.user, comparison=found)
    return redirect("comparison", comparison_id=found.pk)


@require_POST
@signed_in
def remove(request: MemberRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Take it off the model's page."""
    found = comparison_for(request.user, comparison_id)
    version: ModelVersion = found.version
    comparisons.delete_comparison(actor=request.user, comparison=found)
    add_toast(request, _("The comparison is deleted."), kind="ok")
    return redirect(version_url(version) + "#comparisons")


urlpatterns = [
    path("models/versions/<int:version_id>/compare/", new, name="comparison_new"),
    path("models/versions/<int:version_id>/comparisons/", kept, name="comparisons"),
    path("comparisons/<uuid:comparison_id>/", comparison, name="comparison"),
    path("comparisons/<uuid:comparison_id>/delete/", remove, name="comparison_delete"),
    path("comparisons/<uuid:comparison_id>/do/<slug:action>/", act, name="comparison_action"),
]
