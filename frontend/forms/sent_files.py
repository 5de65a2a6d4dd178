"""Files that were sent before the form that names them."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class SentFile:
    """A finished upload, or bytes that are here already, under the name that they had."""

    upload_id: UUID | None = None
    sha256: str = ""
    name: str = ""


class SentFilesField(forms.Field):
    """Ids of uploads, and `sha256:<digits> <name>` for what need not be sent."""

    widget = forms.MultipleHiddenInput
    HERE = re.compile(r"sha256:([0-9a-f]{64}) (.{1,255})", re.DOTALL)

    def to_python(self, value: Any) -> tuple[SentFile, ...]:
        """Each value as a SentFile, doubles once."""
        return tuple(self._sent(str(text)) for text in dict.fromkeys(value or ()))

    def _sent(self, text: str) -> SentFile:
        if match := self.HERE.fullmatch(text):
            return SentFile(sha256=match[1], name=match[2])
        try:
            return SentFile(upload_id=UUID(text))
        except ValueError as error:
            raise forms.ValidationError(_("Send the model file first.")) from error


class SentFilesForm(forms.Form):
    """A form that comes with files, at least one."""

    upload = SentFilesField(error_messages={"required": _("Send the model file first.")})

    def add_error(self, field: str | None, error: Any) -> None:
        """No file, or a wrong one, is said above the form: nobody sees the field itself."""
        super().add_error(None if field == "upload" else field, error)

    @property
    def arrived(self) -> int:
        """How many files came with the page: named in its address, or kept while it was refused."""
        return len(self["upload"].value() or ())
