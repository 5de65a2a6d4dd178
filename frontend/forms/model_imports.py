"""Shape of the form that begins an import."""

from django import forms
from django.utils.translation import gettext_lazy as _

MAX_URL = 2000


class ImportForm(forms.Form):
    """One address; the service judges it."""

    url = forms.CharField(
        label=_("Address of the file"),
        max_length=MAX_URL,
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off"}),
        help_text=_("The hub fetches it by itself, also when you close this page."),
    )
