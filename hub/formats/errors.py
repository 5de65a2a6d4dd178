"""What can be wrong with a file: stable codes and sentences that say what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which bytes can be wrong.

    `message` is a `str.format` template, so a page can translate it first and fill it afterwards.
    """

    code: str
    message: str


class FormatError(Exception):
    """Bytes that do not follow their format, or that go beyond a limit."""

    def __init__(self, problem: Problem, **params: object) -> None:
        """Fill the problem's message with `params`."""
        super().__init__(problem.message.format(**params))
        self.problem = problem
        self.params = params

    @property
    def code(self) -> str:
        """The stable name of the problem."""
        return self.problem.code

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way between worker processes: the default needs positional arguments."""
        return _rebuild, (type(self), self.problem, self.params)


def _rebuild(kind: type[FormatError], problem: Problem, params: dict[str, object]) -> FormatError:
    return kind(problem, **params)


class SafetensorsError(FormatError):
    """A safetensors file whose header can't be trusted."""


class GgufError(FormatError):
    """A GGUF file whose header can't be trusted."""


class ArchiveError(FormatError):
    """A zip archive that is damaged or beyond the limits."""


class PickleScanError(FormatError):
    """A file that was expected to be a pickle and is none."""


class ImageMetadataError(FormatError):
    """A picture whose text can't be read or written."""


class CaptionError(FormatError):
    """A caption file whose text can't be decoded."""


class GenerationDataError(FormatError):
    """Generation data that can't be read back from its stored form."""
