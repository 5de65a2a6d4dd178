"""Collections: the list, one with search and bulk removal, and what goes in from a model."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from frontend.access import require_allowed, require_visible, signed_in
from frontend.contexts.collections import collection_context, collections_context
from frontend.form_errors import errors_on
from frontend.forms.collections import CollectionForm, CollectWish, apply_wish
from frontend.pages.models import show_again
from frontend.rendering import render_page
from frontend.requests import MemberRequest, PageRequest
from frontend.sent_once import sent_once
from frontend.toasts import add_toast, errors_as_toast
from models_registry.collection_queries import (
    CollectionDetail,
    collection_detail,
    models_inside,
)
from models_registry.queries import model_alone
from models_registry.searching import MAX_QUERY_CHARACTERS
from models_registry.services.collections import (
    collect_models,
    create_collection,
    delete_collection,
    uncollect_models,
    update_collection,
)

MAX_DIGITS = 18


@require_safe
def collections(request: PageRequest) -> HttpResponse:
    """Collections that this person may see, or only where they may put models."""
    mine = request.GET.get("mine") == "1" and request.user.is_authenticated
    page = collections_context(viewer=request.user, mine=mine, cursor=request.GET.get("cursor", ""))
    context = {"page": page, "nav": "models"}
    partial = "items" if "cursor" in request.GET else ""
    return render_page(request, "collections/list.html", context, partial=partial)


@require_safe
def collection(request: PageRequest, collection_id: int) -> HttpResponse:
    """One collection with search inside."""
    detail = collection_detail(viewer=request.user, collection_id=collection_id)
    query = request.GET.get("q", "").replace("\0", "")[:MAX_QUERY_CHARACTERS].strip()
    cursor = request.GET.get("cursor", "")
    page = collection_context(viewer=request.user, detail=detail, query=query, cursor=cursor)
    partial = "items" if cursor else ""
    context = {"page": page, "nav": "models"}
    return render_page(request, "collections/detail.html", context, partial=partial)


@signed_in
@sent_once
def new(request: MemberRequest) -> HttpResponse:
    """Begin a collection."""
    form = CollectionForm(request.POST or None, viewer=request.user)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            made = create_collection(actor=request.user, **form.cleaned_data)
            return redirect("collection", collection_id=made.pk)
    context = {"form": form, "nav": "models"}
    status = 422 if form.errors else 200
    return render(request, "collections/edit.html", context, status=status)


@signed_in
def edit(request: MemberRequest, collection_id: int) -> HttpResponse:
    """Rename a collection, or change who sees it."""
    shown = _own(request, collection_id).collection
    names = ("name", "description", "visibility", "team")
    initial = {name: getattr(shown, name) for name in names}
    form = CollectionForm(request.POST or None, viewer=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            update_collection(actor=request.user, collection=shown, **form.cleaned_data)
            return redirect("collection", collection_id=shown.pk)
    context = {"form": form, "collection": shown, "nav": "models"}
    status = 422 if form.errors else 200
    return render(request, "collections/edit.html", context, status=status)


@require_POST
@signed_in
def remove(request: MemberRequest, collection_id: int) -> HttpResponse:
    """Delete the list; the models stay."""
    shown = _own(request, collection_id).collection
    delete_collection(actor=request.user, collection=shown)
    add_toast(request, _("The collection %s is deleted.") % shown.name, kind="ok")
    return redirect("collections")


@require_POST
@signed_in
def take_out(request: MemberRequest, collection_id: int) -> HttpResponse:
    """Take the ticked models out."""
    detail = collection_detail(viewer=request.user, collection_id=collection_id)
    ids = _numbers(request.POST.getlist("model"))
    count = uncollect_models(actor=request.user, collection=detail.collection, model_ids=ids)
    text = ngettext("%(n)d model is taken out.", "%(n)d models are taken out.", count)
    add_toast(request, text % {"n": count}, kind="ok")
    return redirect("collection", collection_id=collection_id)


@require_POST
@signed_in
def put_elsewhere(request: MemberRequest, collection_id: int) -> HttpResponse:
    """Put the ticked models into another collection, too."""
    detail = collection_detail(viewer=request.user, collection_id=collection_id)
    target = request.POST.get("target", "")
    message = _("Choose the collection that they go into.")
    other = require_visible(next(iter(_numbers([target])), None), message)
    goal = collection_detail(viewer=request.user, collection_id=other).collection
    chosen = models_inside(request.user, detail, _numbers(request.POST.getlist("model")))
    with errors_as_toast(request):
        count = collect_models(actor=request.user, collection=goal, models=chosen)
        text = ngettext(
            "%(n)d model is put into %(name)s.", "%(n)d models are put into %(name)s.", count
        )
        add_toast(request, text % {"n": count, "name": goal.name}, kind="ok")
    return redirect("collection", collection_id=collection_id)


@require_POST
@signed_in
def collect(request: MemberRequest, slug: str) -> HttpResponse:
    """Put a model into the ticked collections and take it out of the others; perhaps a new one."""
    found = model_alone(viewer=request.user, slug=slug)
    wish = CollectWish(
        shown=_numbers(request.POST.getlist("shown")),
        ticked=frozenset(_numbers(request.POST.getlist("collection"))),
        new_name=request.POST.get("new", "").strip(),
    )
    apply_wish(request.user, found, wish)
    add_toast(request, _("Your collections are saved."), kind="ok")
    return show_again(request, slug)


def _own(request: MemberRequest, collection_id: int) -> CollectionDetail:
    detail = collection_detail(viewer=request.user, collection_id=collection_id)
    message = _("Only the owner of this collection can change it.")
    require_allowed(allowed=detail.can_edit, message=message, team=detail.collection.team)
    return detail


def _numbers(texts: list[str]) -> list[int]:
    return [int(t) for t in texts if t.isascii() and t.isdigit() and len(t) <= MAX_DIGITS]


urlpatterns = [
    path("collections/", collections, name="collections"),
    path("collections/new/", new, name="collection_new"),
    path("collections/<int:collection_id>/", collection, name="collection"),
    path("collections/<int:collection_id>/edit/", edit, name="collection_edit"),
    path("collections/<int:collection_id>/delete/", remove, name="collection_delete"),
    path("collections/<int:collection_id>/take-out/", take_out, name="collection_take_out"),
    path(
        "collections/<int:collection_id>/put-elsewhere/",
        put_elsewhere,
        name="collection_put_elsewhere",
    ),
    path("models/<slug:slug>/collect/", collect, name="model_collect"),
]
