"""Comments on models and under pictures: threads that htmx swaps as a whole."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import retarget

from frontend.access import require_allowed, signed_in
from frontend.contexts.comments import (
    comments_context,
    subject_name,
    subject_url,
    threads_url,
)
from frontend.forms.seen import by_now
from frontend.rendering import render_page, wants_partial
from frontend.requests import MemberRequest, PageRequest
from frontend.toasts import add_toast
from gallery.queries import image_detail
from hub.comments.deletion import delete_comment, restore_comment
from hub.comments.models import Comment, Subject
from hub.comments.permissions import can_edit_comment
from hub.comments.queries import comment_detail
from hub.comments.services import (
    add_comment,
    edit_comment,
    hide_comment,
    show_comment,
)
from hub.core.errors import Invalid, TooLarge
from hub.core.http_status import status_of
from hub.core.seen import ChangedMeanwhile, marks_of
from models_registry.queries import model_alone

MAX_DIGITS = 18


@require_safe
def about_model(request: PageRequest, slug: str) -> HttpResponse:
    """Older threads for htmx, or all of them anew; for others the page that holds them."""
    return _read(request, model_alone(viewer=request.user, slug=slug))


@require_safe
def under_image(request: PageRequest, image_id: int) -> HttpResponse:
    """The same for a picture."""
    return _read(request, image_detail(request.user, image_id))


@require_POST
@signed_in
def write_about_model(request: MemberRequest, slug: str) -> HttpResponse:
    """Say something, or answer the comment that the form names."""
    return _write(request, model_alone(viewer=request.user, slug=slug))


@require_POST
@signed_in
def write_under_image(request: MemberRequest, image_id: int) -> HttpResponse:
    """The same under a picture."""
    return _write(request, image_detail(request.user, image_id))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit(request: MemberRequest, comment_id: int) -> HttpResponse:
    """The form with the comment's words, and what was made of them."""
    comment = comment_detail(request.user, comment_id)
    allowed = can_edit_comment(request.user, comment)
    require_allowed(allowed=allowed, message=_("Only its author can change a comment."))
    if request.method != "POST":
        return _edit_form(request, comment, comment.text)
    text, now = request.POST.get("text", ""), timezone.now()
    seen = {"text": request.POST["seen"]} if "seen" in request.POST else {}
    try:
        edit_comment(actor=request.user, comment=comment, text=text, now=now, seen=seen)
    except ChangedMeanwhile as error:
        comment.refresh_from_db()
        return _edit_form(request, comment, text, error=error)
    except (Invalid, TooLarge) as error:
        return _edit_form(request, comment, text, error=error, seen=seen.get("text", ""))
    return _after(request, comment.subject)


@require_POST
@signed_in
def remove(request: MemberRequest, comment_id: int) -> HttpResponse:
    """Take a comment away; the toast brings it back."""
    comment = comment_detail(request.user, comment_id)
    subject = comment.subject
    delete_comment(actor=request.user, comment=comment, now=timezone.now())
    undo = reverse("comment_restore", args=[comment_id])
    add_toast(request, _("The comment is deleted."), undo_url=undo)
    return _after(request, subject)


@require_POST
@signed_in
def restore(request: MemberRequest, comment_id: int) -> HttpResponse:
    """Bring back what one has deleted a moment ago."""
    comment = restore_comment(actor=request.user, comment_id=comment_id, now=timezone.now())
    return _after(request, comment.subject)


@require_POST
@signed_in
def hide(request: MemberRequest, comment_id: int) -> HttpResponse:
    """Hide a comment from everyone else, or show it again."""
    comment = comment_detail(request.user, comment_id)
    if comment.hidden_at is None:
        hide_comment(actor=request.user, comment=comment, now=timezone.now())
    else:
        show_comment(actor=request.user, comment=comment)
    return _after(request, comment.subject)


def _read(request: PageRequest, subject: Subject) -> HttpResponse:
    if not wants_partial(request):
        return redirect(f"{subject_url(subject)}#comments")
    return _threads(request, subject, cursor=request.GET.get("cursor", ""))


def _write(request: MemberRequest, subject: Subject) -> HttpResponse:
    raw = request.POST.get("parent", "")
    parent = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= MAX_DIGITS else None
    text = request.POST.get("text", "")
    try:
        add_comment(actor=request.user, subject=subject, text=text, parent_id=parent)
    except (Invalid, TooLarge) as error:
        if not wants_partial(request):
            raise
        return _threads(request, subject, error=error.message, text=text)
    return _after(request, subject)


def _after(request: MemberRequest, subject: Subject) -> HttpResponse:
    if wants_partial(request):
        return _threads(request, subject)
    return redirect(f"{subject_url(subject)}#comments")


def _threads(
    request: PageRequest, subject: Subject, *, cursor: str = "", error: str = "", text: str = ""
) -> HttpResponse:
    talk = comments_context(viewer=request.user, subject=subject, cursor=cursor)
    name = "comments/_threads.html" if cursor else "comments/_comments.html"
    context = {"talk": talk, "comment_error": error, "comment_text": text}
    return render(request, name, context, status=422 if error else 200)


def _edit_form(
    request: MemberRequest,
    comment: Comment,
    text: str,
    *,
    error: Invalid | TooLarge | ChangedMeanwhile | None = None,
    seen: str = "",
) -> HttpResponse:
    subject = comment.subject
    context = {
        "comment": comment,
        "text": text,
        "seen": seen or marks_of(comment, ["text"])["text"],
        "error": error.message if error is not None else "",
        "by_now": by_now(comment.text) if isinstance(error, ChangedMeanwhile) else "",
        "address": subject_url(subject),
        "threads_address": threads_url(subject),
        "subject_name": subject_name(subject),
        "max_characters": settings.COMMENT_MAX_CHARACTERS,
    }
    status = 200 if error is None else 422 if wants_partial(request) else status_of(error)
    answer = render_page(request, "comments/edit.html", context, partial="form", status=status)
    if error is not None:
        retarget(answer, f"#comment-{comment.pk}")
    return answer


urlpatterns = [
    path("models/<slug:slug>/comments/", about_model, name="model_comments"),
    path("models/<slug:slug>/comments/write/", write_about_model, name="model_comment"),
    path("images/<int:image_id>/comments/", under_image, name="image_comments"),
    path("images/<int:image_id>/comments/write/", write_under_image, name="image_comment"),
    path("comments/<int:comment_id>/edit/", edit, name="comment_edit"),
    path("comments/<int:comment_id>/delete/", remove, name="comment_delete"),
    path("comments/<int:comment_id>/restore/", restore, name="comment_restore"),
    path("comments/<int:comment_id>/hide/", hide, name="comment_hide"),
]
