"""`/people/<name>/`: who somebody is, and what they share with the reader."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode

from frontend.contexts.components import ImageCard, ModelCard
from frontend.contexts.images import image_card_of
from frontend.contexts.lists import with_query
from frontend.contexts.model_filters import list_url
from frontend.contexts.model_list import model_card_of
from frontend.contexts.people import avatar_url
from gallery.queries import ImageFilters, image_list
from hub.accounts.models import User
from models_registry.engagement_queries import follows_person
from models_registry.filters import ModelFilters, Sort
from models_registry.models.model import Viewer
from models_registry.queries import model_list

CARDS, PICTURES = 12, 24


@dataclass(frozen=True, slots=True)
class PersonContext:
    """The newest of somebody's models and pictures; the addresses lead to all of them, if more."""

    person: User
    avatar_url: str
    is_self: bool
    is_followed: bool
    models: list[ModelCard]
    images: list[ImageCard]
    all_models_url: str = ""
    all_images_url: str = ""


def person_context(viewer: Viewer, person: User) -> PersonContext:
    """What the viewer may see of this person's."""
    filters = ModelFilters(username=person.username)
    models = model_list(viewer=viewer, filters=filters, sort=Sort.NEWEST, limit=CARDS)
    by = ImageFilters(author=person.username)
    images = image_list(viewer=viewer, filters=by, limit=PICTURES)
    all_images = with_query(reverse("images"), urlencode({"author": person.username}))
    return PersonContext(
        person=person,
        avatar_url=avatar_url(person),
        is_self=viewer.pk == person.pk,
        is_followed=follows_person(viewer, person),
        models=[model_card_of(model, viewer) for model in models.items],
        images=[image_card_of(image) for image in images.items],
        all_models_url=list_url(filters, Sort.NEWEST) if models.next_cursor else "",
        all_images_url=all_images if images.next_cursor else "",
    )
