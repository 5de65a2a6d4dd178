"""Shapes of what the pages of collections are sent."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from hub.accounts.models import Team, User
from hub.accounts.queries import teams_worked_in
from hub.core.visibility import Visibility
from models_registry.collection_queries import collection_detail
from models_registry.models.model import Model
from models_registry.services.collections import (
    collect_model,
    create_collection,
    uncollect_models,
)


class CollectionForm(forms.Form):
    """Name, words and who may see it."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(
        label=_("About"),
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Markdown. What belongs in here."),
    )
    visibility = forms.ChoiceField(
        label=_("Who may see it"),
        choices=Visibility.choices,
        initial=Visibility.PRIVATE,
        help_text=_("A team's collection is filled by all its members."),
    )
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.none(), required=False, empty_label=_("No team")
    )

    def __init__(self, *args: Any, viewer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams_worked_in(viewer)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class CollectWish:
    """Which collections the dialog showed, which were ticked, and the name of a new one."""

    shown: list[int]
    ticked: frozenset[int]
    new_name: str


def apply_wish(actor: User, model: Model, wish: CollectWish) -> None:
    """Put the model where it was ticked and take it out of the rest that was shown, or nothing."""
    with transaction.atomic():
        for collection_id in wish.shown:
            kept = collection_detail(viewer=actor, collection_id=collection_id).collection
            if collection_id in wish.ticked:
                collect_model(actor=actor, collection=kept, model=model)
            else:
                uncollect_models(actor=actor, collection=kept, model_ids=[model.pk])
        if wish.new_name:
            made = create_collection(actor=actor, name=wish.new_name)
            collect_model(actor=actor, collection=made, model=model)
