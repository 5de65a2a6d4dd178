"""What a user name may look like: it stands in URLs and in the Civitai-compatible API."""

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

username_validators = [
    RegexValidator(
        r"^[\w.-]+\Z",
        _("A user name has letters, digits, dot, dash and underscore only."),
    )
]
