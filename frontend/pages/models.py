"""The registry's pages: list, one model, upload, edit, publish, review, save."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_allowed, require_visible, signed_in
from frontend.contexts.model_actions import model_actions
from frontend.contexts.model_edit import edit_context
from frontend.contexts.model_list import model_list_context
from frontend.contexts.model_view import model_view_context, progress_of
from frontend.form_errors import errors_on
from frontend.forms.model_edit import edit_forms, save_edits, start_models
from frontend.forms.models import ModelListForm, UploadModelForm
from frontend.forms.review import ReviewForm
from frontend.rendering import render_page, wants_partial
from frontend.requests import MemberRequest, PageRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast, errors_as_toast
from hub.accounts.queries import current_team
from hub.core.errors import Invalid
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_version
from models_registry.queries import model_outline, model_page, version_detail
from models_registry.services.bookmarks import forget_model, save_model
from models_registry.services.engagement import mark_seen
from models_registry.services.publish import publish_version, unpublish_version

MAX_DIGITS = 9


@require_safe
def models(request: PageRequest) -> HttpResponse:
    """The list; for htmx its results after a filter, or the next cards."""
    form = ModelListForm(request.GET)
    if not form.is_valid():
        raise Invalid(_("This address has a filter that is not known. Start from all models."))
    cursor = form.cleaned_data["cursor"]
    page = model_list_context(
        viewer=request.user,
        filters=form.filters(team=current_team(request)),
        sort=form.sort_order,
        cursor=cursor,
    )
    context = {"page": page, "nav": "models", **_ways()}
    partial = "items" if cursor else "results"
    return render_page(request, "models/list.html", context, partial=partial)


@require_safe
def model(request: PageRequest, slug: str) -> HttpResponse:
    """One model at one of its versions (`?v=3`)."""
    index = _index(request.GET.get("v", ""))
    detail = model_page(viewer=request.user, slug=slug, index=index)
    progress = progress_of(detail, detail.version(index))
    if progress and request.GET.get("progress") == progress:
        return HttpResponse(status=204)  # the page asks while files are checked; all is as it was
    page = model_view_context(viewer=request.user, detail=detail, index=index)
    if index is not None:
        require_visible(page.version, _("This model has no such version."))
    if not detail.standing.is_seen:
        mark_seen(viewer=request.user, model_id=detail.model.pk)
    form = ReviewForm.of(page.own_review)
    context = {"page": page, "nav": "models", "review_form": form}
    return render(request, "models/detail.html", context)


@signed_in
@sent_once
def upload(request: MemberRequest) -> HttpResponse:
    """A new model from a file that was sent before."""
    given = {"name": request.GET.get("name", ""), "upload": request.GET.getlist("upload")}
    form = UploadModelForm(request.POST or None, viewer=request.user, initial=given)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            versions = start_models(request.user, form.cleaned_data)
            add_toast(request, _("The file is being checked. Publish when it is verified."))
            if len(versions) > 1:
                return redirect(f"{reverse('models')}?scope=mine")
            return redirect(version_url(versions[0]))
    status = 422 if form.errors else 200
    return render(request, "models/upload.html", {"form": form, "nav": "models"}, status=status)


@signed_in
def edit(request: MemberRequest, version_id: int) -> HttpResponse:
    """Change the card of a model and one of its versions."""
    version = own_version(request, version_id)
    forms = edit_forms(request.user, version, request.POST or None)
    if request.method == "POST" and forms.is_valid():
        with errors_on(forms.version):
            save_edits(request.user, version, forms)
            add_toast(request, _("Saved."), kind="ok")
            return redirect(version_url(version))
    page = edit_context(viewer=request.user, version=version, seen=forms.seen)
    context = {"forms": forms, "page": page, "version": version, "nav": "models"}
    return render(request, "models/edit.html", context, status=422 if forms.has_errors else 200)


@require_POST
@signed_in
def publish(request: MemberRequest, version_id: int) -> HttpResponse:
    """Show a draft to those who may see it."""
    version = own_version(request, version_id)
    with errors_as_toast(request):
        publish_version(actor=request.user, version=version)
        add_toast(request, _("%s is published.") % version.model.name, kind="ok")
    return redirect(version_url(version))


@require_POST
@signed_in
def unpublish(request: MemberRequest, version_id: int) -> HttpResponse:
    """Take a version back; its files stay."""
    version = own_version(request, version_id)
    unpublish_version(actor=request.user, version=version)
    undo = reverse("version_publish", args=[version.pk])
    add_toast(request, _("%s is a draft again.") % version.model.name, undo_url=undo)
    return redirect(version_url(version))


@require_POST
@signed_in
def save(request: MemberRequest, slug: str) -> HttpResponse:
    """Keep a model at hand, or no longer."""
    detail = model_outline(viewer=request.user, slug=slug)
    change = forget_model if detail.standing.is_saved else save_model
    change(actor=request.user, model=detail.model)
    if "v" in request.POST or not wants_partial(request):
        return show_again(request, slug)
    context = {
        "url": reverse("model_save", args=[slug]),
        "is_saved": not detail.standing.is_saved,
        "title": detail.model.name,
    }
    return render(request, "components/save_button.html", context)


def show_again(request: MemberRequest, slug: str) -> HttpResponse:
    """The version whose page a button was pressed on; for htmx what it changes there."""
    index = _index(request.POST.get("v", ""))
    if wants_partial(request):
        detail = model_outline(viewer=request.user, slug=slug)
        page = model_actions(viewer=request.user, detail=detail, index=index)
        return render(request, "models/_pressed.html", {"page": page})
    address = reverse("model", args=[slug])
    return redirect(address if index is None else f"{address}?v={index}")


def _index(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if is_number else None


def version_url(version: ModelVersion) -> str:
    """Address of a model's page at this version."""
    return f"{reverse('model', args=[version.model.slug])}?v={version.index}"


def own_version(request: MemberRequest, version_id: int) -> ModelVersion:
    """A version that this person may change; 404 or 403 otherwise."""
    version = version_detail(viewer=request.user, version_id=version_id)
    allowed = can_edit_version(request.user, version)
    message = _("Only the people of this model can change it.")
    require_allowed(allowed=allowed, message=message, team=version.model.team)
    return version


def _ways() -> dict[str, str]:
    ways = {"all_url": reverse("models"), "upload_url": reverse("upload_model"), "train_url": ""}
    try:
        ways["train_url"] = reverse("train")
    except NoReverseMatch:
        return ways
    return ways


urlpatterns = [
    path("models/", models, name="models"),
    path("models/upload/", upload, name="upload_model"),
    path("models/versions/<int:version_id>/edit/", edit, name="version_edit"),
    path("models/versions/<int:version_id>/publish/", publish, name="version_publish"),
    path("models/versions/<int:version_id>/unpublish/", unpublish, name="version_unpublish"),
    path("models/<slug:slug>/", model, name="model"),
    path("models/<slug:slug>/save/", save, name="model_save"),
]
