"""The next version of a model that is here: a file and what it says first."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from frontend.access import require_allowed, signed_in
from frontend.form_errors import errors_on
from frontend.forms.model_edit import new_version_form, start_version
from frontend.pages.models import version_url
from frontend.requests import MemberRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast
from models_registry.queries import model_detail


@signed_in
@sent_once
def new(request: MemberRequest, slug: str) -> HttpResponse:
    """Add a version as a draft."""
    detail = model_detail(viewer=request.user, slug=slug)
    message = _("Only the people of this model can add versions to it.")
    team = detail.model.team
    require_allowed(allowed=detail.can_add_version, message=message, team=team)
    latest = detail.versions[0] if detail.versions else None
    form = new_version_form(latest, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            version = start_version(request.user, detail.model, form.cleaned_data)
            add_toast(request, _("The file is being checked. Publish when it is verified."))
            return redirect(version_url(version))
    context = {"form": form, "model": detail.model, "nav": "models"}
    status = 422 if form.errors else 200
    return render(request, "models/version_new.html", context, status=status)


urlpatterns = [path("models/<slug:slug>/new-version/", new, name="version_new")]
