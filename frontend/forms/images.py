"""Shapes of what the gallery's pages are sent: filters in the address, a new post."""

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gallery.queries import ImageFilters, ImageSort, Scope
from hub.accounts.models import Team
from hub.accounts.queries import teams_worked_in
from hub.core.visibility import Visibility
from models_registry.models.model import Viewer
from models_registry.searching import MAX_QUERY_CHARACTERS


class ImageListForm(forms.Form):
    """The query string of a picture list; every field may be missing."""

    q = forms.CharField(max_length=MAX_QUERY_CHARACTERS, required=False)
    scope = forms.ChoiceField(choices=[(s.value, s.value) for s in Scope], required=False)
    sort = forms.ChoiceField(choices=[(s.value, s.value) for s in ImageSort], required=False)
    base = forms.MultipleChoiceField(required=False)
    model = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    version = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    author = forms.CharField(max_length=150, required=False)
    post = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    prompt = forms.BooleanField(required=False)
    cursor = forms.CharField(max_length=400, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Any name may be asked for; one that nothing was made with finds nothing.
        names = self.data.getlist("base") if hasattr(self.data, "getlist") else []
        self.fields["base"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def filters(self, *, team: Team | None) -> ImageFilters:
        """The cleaned filters; `team` is the one the person works in."""
        data = self.cleaned_data
        return ImageFilters(
            model_id=data["model"],
            version_id=data["version"],
            base_models=tuple(dict.fromkeys(data["base"])),
            author=data["author"],
            post_id=data["post"],
            with_prompt=data["prompt"],
            words=data["q"],
            scope=Scope(data["scope"] or Scope.EVERYONE),
            team_id=team.pk if team is not None else None,
        )

    @property
    def sort_order(self) -> ImageSort:
        """The chosen order, newest first when none is."""
        return ImageSort(self.cleaned_data["sort"] or ImageSort.NEWEST)


class NewPostForm(forms.Form):
    """A post: files that were sent, a title, who may see it, and the model they show."""

    uploads = forms.CharField(
        widget=forms.HiddenInput,
        error_messages={"required": _("Send the pictures first, then post them.")},
    )
    title = forms.CharField(label=_("Title"), max_length=120, required=False)
    detail = forms.CharField(
        label=_("Description"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=5000,
        required=False,
    )
    visibility = forms.ChoiceField(
        label=_("Who may see it"),
        choices=Visibility.choices,
        initial=Visibility.PUBLIC,
        widget=forms.RadioSelect,
    )
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.none(), required=False, empty_label=_("No team")
    )
    version = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, viewer: Viewer, current: Team | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = teams_worked_in(viewer)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]
        self.fields["team"].initial = current
        if current is None or not teams.exists():
            del self.fields["team"]
            shown = [c for c in Visibility.choices if c[0] != Visibility.TEAM]
            self.fields["visibility"].choices = shown  # type: ignore[attr-defined]

    def add_error(self, field: str | None, error: Any) -> None:
        """What is wrong with the pictures is said above the form: nobody sees their field."""
        super().add_error(None if field == "uploads" else field, error)

    def clean_uploads(self) -> list[uuid.UUID]:
        """Ids of the uploads, in the order of the page."""
        try:
            return [uuid.UUID(part) for part in self.cleaned_data["uploads"].split(",") if part]
        except ValueError as error:
            raise forms.ValidationError(_("Send the pictures first, then post them.")) from error
