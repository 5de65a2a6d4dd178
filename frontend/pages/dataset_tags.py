"""The tag editor: one page, one address for its commands, one for more pictures."""

from collections.abc import Callable, Sequence

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from frontend.access import signed_in
from frontend.contexts.datasets import (
    editor_data,
    editor_words,
    history_data,
    item_data,
    tagging_data,
)
from frontend.forms.datasets import TagCommand, read_command, read_ids
from frontend.requests import MemberRequest
from hub.accounts.models import User
from training.datasets.file_names import MAX_REPEATS
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.models.tagging import TaggingRun
from training.datasets.permissions import can_edit_dataset
from training.datasets.queries import (
    dataset_for,
    history_of,
    items_by_id,
    items_of,
    newest_tagging_run,
    removed_items,
)
from training.datasets.services import items as item_services
from training.datasets.services import tags as tag_services
from training.datasets.services.tagging import can_auto_tag, start_tagging

Act = Callable[[User, Sequence[Item], TagCommand], object]

ACTS: dict[str, Act] = {
    "add": lambda actor, items, given: tag_services.add_tag(
        actor=actor, items=items, tags=given.tags
    ),
    "remove": lambda actor, items, given: tag_services.remove_tag(
        actor=actor, items=items, tags=given.tags
    ),
    "replace": lambda actor, items, given: tag_services.replace_tag(
        actor=actor, items=items, old=given.old, new=given.new
    ),
    "set": lambda actor, items, given: tag_services.set_tags(
        actor=actor, item=items[0], tags=given.tags
    ),
    "text": lambda actor, items, given: tag_services.set_caption_text(
        actor=actor, item=items[0], text=given.text
    ),
    "repeats": lambda actor, items, given: item_services.set_repeats(
        actor=actor, items=items, repeats=given.repeats
    ),
    "restore": lambda actor, items, _given: item_services.restore_items(actor=actor, items=items),
    "delete": lambda actor, items, _given: item_services.remove_items(actor=actor, items=items),
}


@require_safe
@signed_in
def dataset_tags(request: MemberRequest, slug: str) -> HttpResponse:
    """The editor with its first pictures."""
    found = dataset_for(request.user, slug)
    context = {
        "dataset": found,
        "data": editor_data(request.user, found),
        "editor_words": editor_words(),
        "max_repeats": MAX_REPEATS,
        "can_auto_tag": can_auto_tag() and can_edit_dataset(request.user, found),
        "nav": "datasets",
    }
    return render(request, "datasets/tags.html", context)


@require_safe
@signed_in
def more_items(request: MemberRequest, slug: str) -> JsonResponse:
    """The next pictures of a large dataset, or those that `ids` names as they are now."""
    found = dataset_for(request.user, slug)
    if "ids" in request.GET:
        chosen = items_of(found).filter(pk__in=read_ids(request.GET["ids"]))
        return JsonResponse({"items": [item_data(item) for item in chosen]})
    return JsonResponse(editor_data(request.user, found, cursor=request.GET.get("cursor")))


@require_POST
@signed_in
def command(request: MemberRequest, slug: str) -> JsonResponse:
    """Do one command; answers with the pictures it touched as they are now."""
    found = dataset_for(request.user, slug)
    touched = _do(request.user, found, read_command(request.body))
    history = history_data(history_of(found, request.user))
    return JsonResponse({"items": [item_data(item) for item in touched], **history})


@signed_in
def auto_tag(request: MemberRequest, slug: str) -> JsonResponse:
    """Ask the hub's tagger for the tags of some pictures, or how far it is."""
    found = dataset_for(request.user, slug)
    if request.method == "POST":
        given = read_command(request.body)
        run: TaggingRun | None = start_tagging(
            actor=request.user, dataset=found, items=items_by_id(found, given.items)
        )
    else:
        run = newest_tagging_run(found)
    return JsonResponse(tagging_data(run))


def _do(actor: User, dataset: Dataset, given: TagCommand) -> list[Item]:
    if given.kind in ("undo", "redo"):
        edit = getattr(tag_services, given.kind)(actor=actor, dataset=dataset)
        ids = [change["item"] for change in edit.changes]
        return list(items_of(dataset).filter(pk__in=ids))
    gone = given.kind == "restore"
    items = (removed_items if gone else items_by_id)(dataset, given.items)
    if items:
        ACTS[given.kind](actor, items, given)
    if given.kind == "delete":
        return []
    return items_by_id(dataset, given.items)


urlpatterns = [
    path("datasets/<slug:slug>/tags/", dataset_tags, name="dataset_tags"),
    path("datasets/<slug:slug>/tags/items/", more_items, name="dataset_items"),
    path("datasets/<slug:slug>/tags/auto/", auto_tag, name="dataset_auto_tag"),
    path("datasets/<slug:slug>/tags/commands/", command, name="dataset_command"),
]
