"""The crop page: one frame a picture, saved as numbers; the pictures stay as they are."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from frontend.access import signed_in
from frontend.contexts.dataset_crop import crop_data, crop_item, crop_words, shapes
from frontend.forms.crops import CropCommand, read_crops
from frontend.requests import MemberRequest
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.queries import dataset_for, items_by_id
from training.datasets.services import items as item_services


@require_safe
@signed_in
def crop(request: MemberRequest, slug: str) -> HttpResponse:
    """The page with its first pictures."""
    found = dataset_for(request.user, slug)
    context = {
        "dataset": found,
        "data": crop_data(request.user, found),
        "shapes": shapes(),
        "crop_words": crop_words(),
        "nav": "datasets",
    }
    return render(request, "datasets/crop.html", context)


@require_safe
@signed_in
def more(request: MemberRequest, slug: str) -> JsonResponse:
    """The next pictures of a large dataset."""
    found = dataset_for(request.user, slug)
    return JsonResponse(crop_data(request.user, found, cursor=request.GET.get("cursor")))


@require_POST
@signed_in
def save(request: MemberRequest, slug: str) -> JsonResponse:
    """Save the crops that were sent; answers with the pictures they changed."""
    found = dataset_for(request.user, slug)
    changed = _save(request, found, read_crops(request.body))
    return JsonResponse({"items": [crop_item(item) for item in changed]})


def _save(request: MemberRequest, dataset: Dataset, given: CropCommand) -> list[Item]:
    if not given.for_all:
        changed = item_services.set_crops(actor=request.user, dataset=dataset, crops=given.crops)
    else:
        [(key, box)] = given.crops.items()
        [item] = items_by_id(dataset, [key])
        if box is None:
            return []
        changed = item_services.set_crop_for_all(actor=request.user, item=item, crop=box)
    return items_by_id(dataset, [item.pk for item in changed])


urlpatterns = [
    path("datasets/<slug:slug>/crop/", crop, name="dataset_crop"),
    path("datasets/<slug:slug>/crop/items/", more, name="dataset_crop_items"),
    path("datasets/<slug:slug>/crop/save/", save, name="dataset_crop_save"),
]
