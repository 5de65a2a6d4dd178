"""Reviews of a version: written, with what was used and a picture, and taken back."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_visible, signed_in
from frontend.contexts.model_reviews import reviews_context
from frontend.forms.review import ReviewForm, save_review
from frontend.pages.models import version_url
from frontend.rendering import wants_partial
from frontend.requests import MemberRequest, PageRequest
from frontend.toasts import add_toast, errors_as_toast
from hub.core.errors import Invalid
from models_registry.queries import model_alone, review_by, version_detail
from models_registry.services.reviews import delete_review


@require_safe
def older(request: PageRequest, slug: str) -> HttpResponse:
    """Older reviews for htmx; for others the page that holds the newest."""
    found = model_alone(viewer=request.user, slug=slug)
    if not wants_partial(request):
        return redirect("model", slug=slug)
    page = reviews_context(viewer=request.user, model=found, cursor=request.GET.get("cursor", ""))
    return render(request, "models/_review_rows.html", {"found": page})


@require_POST
@signed_in
def write(request: MemberRequest, version_id: int) -> HttpResponse:
    """Write or rewrite one's review of a version."""
    version = version_detail(viewer=request.user, version_id=version_id)
    form = ReviewForm.of(review_by(request.user, version), request.POST)
    if not form.is_valid():
        if "rating" in form.errors:
            raise Invalid(_("A review has one to five stars."))
        raise Invalid(next(str(text) for texts in form.errors.values() for text in texts))
    with errors_as_toast(request):
        save_review(request.user, version, form.cleaned_data)
        add_toast(request, _("Your review is saved."), kind="ok")
    return redirect(version_url(version) + "#reviews")


@require_POST
@signed_in
def remove(request: MemberRequest, version_id: int) -> HttpResponse:
    """Take back one's review of a version."""
    version = version_detail(viewer=request.user, version_id=version_id)
    message = _("You have not reviewed this version.")
    review = require_visible(review_by(request.user, version), message)
    delete_review(actor=request.user, review=review)
    add_toast(request, _("Your review is deleted."), kind="ok")
    return redirect(version_url(version) + "#reviews")


urlpatterns = [
    path("models/<slug:slug>/reviews/", older, name="model_reviews"),
    path("models/versions/<int:version_id>/review/", write, name="version_review"),
    path("models/versions/<int:version_id>/review/delete/", remove, name="version_review_delete"),
]
