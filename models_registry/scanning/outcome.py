"""The verdict on a file: its status, its reason in words that can be translated, what was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext_noop

from hub.formats.errors import FormatError
from models_registry.models.file import ScanStatus

SAFE_HEADER = gettext_noop("The safetensors header is valid and complete.")
SAFE_GGUF = gettext_noop("The GGUF header is valid and complete.")
SAFE_PICKLE = gettext_noop("Every import of the pickle is known and harmless.")
SAFE_CONTENT = gettext_noop("The content is what this kind of file holds.")
SAFE_ARCHIVE = gettext_noop("Every file in the archive was looked at and is harmless.")
DANGEROUS_PICKLE = gettext_noop(
    "Loading this file would run code: it imports %(names)s. It is not handed out to anyone."
)
SUSPICIOUS_PICKLE = gettext_noop(
    "This pickle could not be cleared: %(names)s. Convert it to safetensors."
)
NOT_A_MODEL = gettext_noop(
    "This file is not of a kind that can be checked here (%(type)s). Upload a safetensors file."
)
NO_WEIGHTS = gettext_noop("The header names no weights at all. Export the model again.")
NEVER_HDF5 = gettext_noop(
    "HDF5 files (Keras) may carry Python code in their layers, so none is cleared here. Convert it "
    "to safetensors."
)
NEVER_ONNX = gettext_noop(
    "ONNX files may name other files and call operators from outside, so none is cleared here. "
    "Convert it to safetensors."
)
WRAPPED = gettext_noop(
    "This is a %(type)s archive, and what is in it cannot be looked at. Unpack it and upload the "
    "model itself, or pack other files as zip."
)
A_PROGRAM = gettext_noop("This is a program or a script, whatever its name says.")
LYING_NAME = gettext_noop(
    "The name ends in %(suffix)s, but the content is %(type)s. Give the file its true name."
)


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """Verdict, its reason as a translatable template with parameters, and what was found.

    With `has_braces` the template is one of hub.formats (`{name}`), else one of ours (`%(name)s`).
    """

    status: str
    message: str
    params: Mapping[str, str] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    has_braces: bool = False

    @property
    def sentence(self) -> str:
        """The reason in English."""
        if self.has_braces:
            return self.message.format(**self.params)
        return self.message % dict(self.params)

    def with_facts(self, **facts: object) -> "ScanOutcome":
        """The same verdict with more in its report."""
        return replace(self, report={**self.report, **facts})


def refused(error: FormatError, *, status: str = ScanStatus.ERROR) -> ScanOutcome:
    """The verdict on bytes that break their format: the problem's own words are the reason."""
    params = {name: str(value) for name, value in error.params.items()}
    return ScanOutcome(status, error.problem.message, params, {"code": error.code}, has_braces=True)
