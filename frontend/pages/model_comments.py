"""Comments on a model: threads that htmx swaps as a whole."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_visible, signed_in
from frontend.contexts.model_comments import comments_context
from frontend.rendering import wants_partial
from frontend.requests import MemberRequest, PageRequest
from frontend.toasts import add_toast
from hub.core.errors import AtelierError
from models_registry.engagement_queries import comment_of
from models_registry.models.model import Model
from models_registry.queries import model_detail
from models_registry.services.comments import add_comment, hide_comment

MAX_DIGITS = 18


@require_safe
def comments(request: PageRequest, slug: str) -> HttpResponse:
    """Older threads for htmx; for others the page that holds them all."""
    found = model_detail(viewer=request.user, slug=slug).model
    if not wants_partial(request):
        return redirect("model", slug=slug)
    return _threads(request, found, cursor=request.GET.get("cursor", ""))


@require_POST
@signed_in
def write(request: MemberRequest, slug: str) -> HttpResponse:
    """Say something, or answer the thread that the form names."""
    found = model_detail(viewer=request.user, slug=slug).model
    raw = request.POST.get("parent", "")
    parent = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= MAX_DIGITS else None
    text = request.POST.get("text", "")
    try:
        add_comment(actor=request.user, model=found, text=text, parent_id=parent)
    except AtelierError as error:
        if wants_partial(request):
            return _threads(request, found, error=error.message, text=text)
        add_toast(request, error.message, kind="danger")
    return _after(request, found)


@require_POST
@signed_in
def remove(request: MemberRequest, slug: str, comment_id: int) -> HttpResponse:
    """Take a comment away."""
    found = model_detail(viewer=request.user, slug=slug).model
    message = _("This comment was taken away already.")
    comment = require_visible(comment_of(found, comment_id), message)
    hide_comment(actor=request.user, comment=comment)
    return _after(request, found)


def _after(request: MemberRequest, model: Model) -> HttpResponse:
    if wants_partial(request):
        return _threads(request, model)
    return redirect("model", slug=model.slug)


def _threads(
    request: PageRequest, model: Model, *, cursor: str = "", error: str = "", text: str = ""
) -> HttpResponse:
    page = comments_context(viewer=request.user, model=model, cursor=cursor)
    name = "models/_threads.html" if cursor else "models/_comments.html"
    context = {"talk": page, "model": model, "comment_error": error, "comment_text": text}
    return render(request, name, context, status=422 if error else 200)


urlpatterns = [
    path("models/<slug:slug>/comments/", comments, name="model_comments"),
    path("models/<slug:slug>/comments/write/", write, name="model_comment"),
    path(
        "models/<slug:slug>/comments/<int:comment_id>/delete/",
        remove,
        name="model_comment_delete",
    ),
]
