"""A form with one field of each kind, for the page that shows every component."""

from django import forms
from django.utils.translation import gettext_lazy as _


class SampleForm(forms.Form):
    """Never saved; only drawn."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("As it stands on the card. It can be changed.")
    )
    kind = forms.ChoiceField(
        label=_("Type"), choices=[("lora", "LoRA"), ("checkpoint", _("Checkpoint"))]
    )
    weight = forms.DecimalField(
        label=_("Weight"), min_value=0, max_value=2, help_text=_("From 0 to 2.")
    )
    about = forms.CharField(label=_("About"), widget=forms.Textarea, required=False)
    visibility = forms.ChoiceField(
        label=_("Who may see it"),
        choices=[("public", _("Everyone")), ("team", _("My team"))],
        widget=forms.RadioSelect,
        initial="team",
    )
    follow = forms.BooleanField(label=_("Tell me when it is done"), required=False)
    cover = forms.FileField(label=_("Cover"), required=False)


class WrongSampleForm(SampleForm):
    """The same with mistakes in it: it did not come back, so it leaves the focus where it is."""

    takes_focus = False
