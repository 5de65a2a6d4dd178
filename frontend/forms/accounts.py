"""Forms of teams and of one's own settings: shape only, they never write."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from frontend.forms.seen import SeenForm
from hub.accounts.models import Role, Scope


class TeamForm(forms.Form):
    """A team's name."""

    name = forms.CharField(
        label=_("Team name"),
        max_length=80,
        help_text=_("Members share datasets, the queue and unpublished models."),
    )


class InviteForm(forms.Form):
    """What the invited person may do."""

    role = forms.ChoiceField(
        label=_("Role"),
        choices=[choice for choice in Role.choices if choice[0] != Role.OWNER],
        initial=Role.MEMBER,
        help_text=_(
            "Managers also look after people and the queue. Members make and change things. "
            "Viewers see and download what the team has, and change nothing."
        ),
    )


class TransferForm(forms.Form):
    """Who takes the team over."""

    to = forms.TypedChoiceField(
        label=_("New owner"),
        coerce=int,
        help_text=_("You become a manager of the team; the new owner can change that."),
    )

    def __init__(self, *args: Any, heirs: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = heirs  # type: ignore[attr-defined]


class ProfileForm(SeenForm):
    """What others see of a person."""

    first_name = forms.CharField(label=_("Name shown to others"), max_length=150, required=False)
    bio = forms.CharField(
        label=_("About you"), required=False, max_length=2000, widget=forms.Textarea({"rows": 3})
    )


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        label=_("Token name"), max_length=80, help_text=_("For example the program that uses it.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.MODELS_READ],
    )
