"""The gallery's pages: the masonry list, the viewer, and posting pictures."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe
from django_htmx.http import push_url

from frontend.access import require_allowed, require_visible, signed_in
from frontend.contexts.comments import comments_context
from frontend.contexts.image_list import list_context
from frontend.contexts.image_view import image_view_context, reaction_buttons
from frontend.contexts.images import list_url
from frontend.contexts.new_post import new_post_context, uploaded_file
from frontend.form_errors import errors_on
from frontend.forms.images import ImageListForm, NewPostForm
from frontend.rendering import render_page, wants_partial
from frontend.requests import MemberRequest, PageRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast
from gallery.models.image import ImageStatus
from gallery.permissions import can_edit_image, can_moderate, can_react
from gallery.queries import image_detail
from gallery.services.moderation import delete_image, hide_image, set_post_visibility, show_image
from gallery.services.posts import create_post_from_uploads
from gallery.services.reactions import toggle_reaction
from hub.accounts.queries import current_team
from hub.core.errors import Invalid
from models_registry.models.version import ModelVersion

NAV = "images"


def _list_form(request: PageRequest) -> ImageListForm:
    form = ImageListForm(request.GET)
    if not form.is_valid():
        raise Invalid(_("This address has a filter that is not known. Start from all images."))
    return form


@require_safe
def images(request: PageRequest) -> HttpResponse:
    """The list; for htmx its results after a filter, or the next cards."""
    form = _list_form(request)
    filters = form.filters(team=current_team(request))
    cursor = form.cleaned_data["cursor"]
    context = list_context(
        viewer=request.user,
        filters=filters,
        sort=form.sort_order,
        cursor=cursor,
    )
    partial = "items" if cursor else "results"
    response = render_page(
        request, "images/list.html", {"nav": NAV, "page": context}, partial=partial
    )
    address = list_url(filters, form.sort_order)
    # Enter in a field sends its change and then the form: the second one is no new place.
    if wants_partial(request) and not cursor and request.htmx.current_url_abs_path != address:
        push_url(response, address)
    return response


@require_safe
def image(request: PageRequest, image_id: int) -> HttpResponse:
    """One picture as a page of its own, or for htmx as the inside of the viewer."""
    form = _list_form(request)
    shown = image_detail(request.user, image_id)
    if shown.status == request.GET.get("status") == ImageStatus.PENDING:
        return HttpResponse(status=204)  # the page asks while the picture is read
    context = image_view_context(
        viewer=request.user,
        image=shown,
        filters=form.filters(team=current_team(request)),
        sort=form.sort_order,
    )
    return render_page(
        request,
        "images/viewer.html",
        {
            "nav": NAV,
            "view": context,
            "talk": comments_context(viewer=request.user, subject=shown),
            "can_react": can_react(request.user),
        },
        partial="viewer",
    )


@require_POST
@signed_in
def react(request: MemberRequest, image_id: int, kind: str) -> HttpResponse:
    """Give or take back a reaction."""
    shown = image_detail(request.user, image_id)
    toggle_reaction(actor=request.user, image=shown, kind=kind)
    if not wants_partial(request):
        return redirect("image", image_id=image_id)
    shown = image_detail(request.user, image_id)
    buttons = reaction_buttons(request.user, shown)
    context = {"image_id": image_id, "reactions": buttons, "can_react": True}
    return render(request, "images/_reactions.html", context)


@require_POST
@signed_in
def share(request: MemberRequest, image_id: int) -> HttpResponse:
    """Choose who sees the post that the picture belongs to."""
    shown = image_detail(request.user, image_id)
    set_post_visibility(
        actor=request.user, post=shown.post, visibility=request.POST.get("visibility", "")
    )
    add_toast(request, _("Saved."), kind="ok")
    return redirect("image", image_id=image_id)


@require_POST
@signed_in
def remove(request: MemberRequest, image_id: int) -> HttpResponse:
    """Delete a picture of one's own."""
    shown = image_detail(request.user, image_id)
    allowed = can_edit_image(request.user, shown)
    require_allowed(allowed=allowed, message=_("Only the owner of this picture can delete it."))
    delete_image(actor=request.user, image=shown)
    add_toast(request, _("The picture is deleted."))
    return redirect("images")


@require_POST
@signed_in
def hide(request: MemberRequest, image_id: int) -> HttpResponse:
    """Moderators hide a picture or show it again."""
    shown = image_detail(request.user, image_id)
    allowed = can_moderate(request.user)
    require_allowed(allowed=allowed, message=_("Only moderators can hide pictures."))
    if shown.hidden_at is None:
        hide_image(actor=request.user, image=shown, now=timezone.now())
    else:
        show_image(actor=request.user, image=shown)
    return redirect("image", image_id=image_id)


@signed_in
@sent_once
def new_post(request: MemberRequest) -> HttpResponse:
    """Send pictures and post them."""
    form = NewPostForm(
        request.POST or None,
        viewer=request.user,
        current=current_team(request),
        initial=request.GET.dict(),
    )
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            return redirect(_published(request, form))
    status = 422 if form.is_bound else 200
    context = new_post_context(viewer=request.user, form=form)
    return render(request, "images/new_post.html", {"nav": NAV, "page": context}, status=status)


def _published(request: MemberRequest, form: NewPostForm) -> str:
    data = form.cleaned_data
    version = None
    if data["version"]:
        visible = ModelVersion.objects.visible_to(request.user)
        version = require_visible(visible.filter(pk=data["version"]).first())
    post = create_post_from_uploads(
        actor=request.user,
        upload_ids=data["uploads"],
        team=data.get("team"),
        title=data["title"],
        detail=data["detail"],
        model_version=version,
        visibility=data["visibility"],
    )
    add_toast(request, _("Your post is up. Its pictures are being read."), kind="ok")
    return f"{reverse('images')}?post={post.pk}&scope=mine"


@require_GET
@signed_in
def uploaded(request: MemberRequest) -> HttpResponse:
    """What was found in a file that has just arrived, or why it cannot be shown."""
    context = uploaded_file(request.GET.get("upload", ""), actor=request.user)
    return render(request, "images/_uploaded.html", {"file": context})


urlpatterns = [
    path("images/", images, name="images"),
    path("images/upload/", new_post, name="image_new"),
    path("images/upload/file/", uploaded, name="image_uploaded"),
    path("images/<int:image_id>/", image, name="image"),
    path("images/<int:image_id>/reactions/<slug:kind>/", react, name="image_react"),
    path("images/<int:image_id>/visibility/", share, name="image_share"),
    path("images/<int:image_id>/delete/", remove, name="image_delete"),
    path("images/<int:image_id>/hide/", hide, name="image_hide"),
]
