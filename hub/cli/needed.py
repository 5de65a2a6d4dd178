"""Which models a picture needs, by its generation data, and which files of the hub these are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.cli.errors import LocalProblem, NotFound, reason_of
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.language import words_of
from hub.cli.targets import Choice, Named, choose_by_hash, choose_named, files_by_name
from hub.formats.errors import FormatError
from hub.formats.generation.reading import read_generation_data
from hub.formats.generation.types import GenerationData

#: Types of models by what a picture calls them.
TYPES = {
    "checkpoint": ("Checkpoint", "UNet"),
    "vae": ("VAE",),
    "lora": ("LORA", "LoCon", "DoRA"),
    "embedding": ("TextualInversion",),
    "hypernet": ("Hypernetwork",),
}


@dataclass(frozen=True, slots=True)
class Need:
    """One model that took part; without a hash it cannot be found for certain."""

    kind: str
    name: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the hub has for a need: a file, several of its name to choose from, or nothing."""

    need: Need
    choice: Choice | None = None
    named: tuple[Named, ...] = ()

    @property
    def is_guess(self) -> bool:
        """Whether only the name speaks for the file."""
        return self.choice is not None and not self.need.hash


def find_need(hub: HubClient, need: Need) -> Found:
    """Look for a need by its hash; only where the picture has none, by the name of the file.

    Raises NotFound for digits that fit several files.
    """
    if need.hash:
        try:
            return Found(need, choose_by_hash(hub, need.hash))
        except NotFound as error:
            if error.error_code == "ambiguous":
                raise
            return Found(need)
    named = files_by_name(hub, need.name, TYPES.get(need.kind, ()))
    return Found(need, choose_named(hub, named[0]) if len(named) == 1 else None, named)


def needs_of(picture: Path) -> tuple[Need, ...]:
    """The models of a picture, each once. Raises LocalProblem when it says nothing."""
    data = generation_of(picture)
    if data is None:
        raise LocalProblem(
            _(
                "{name} carries no generation data: it was saved without it, or a site took it "
                "out. Use the original file."
            ).format(name=picture.name),
            code="no_generation_data",
        )
    found: dict[str, Need] = {}
    for need in (*_stated(data), *_listed(data)):
        key = need.hash.lower() or f"{need.kind}:{need.name}".lower()
        found.setdefault(key, need)
    hashed_names = {need.name.lower() for need in found.values() if need.hash}
    return tuple(n for n in found.values() if n.hash or n.name.lower() not in hashed_names)


def generation_of(picture: Path) -> GenerationData | None:
    """The generation data of a picture, None without any. Raises LocalProblem."""
    try:
        return read_generation_data(picture)
    except OSError as error:
        raise LocalProblem(
            _("{path} cannot be read: {reason}.").format(path=picture, reason=reason_of(error))
        ) from error
    except FormatError as error:
        raise LocalProblem(f"{picture.name}: {words_of(error)}", code=error.code) from error


def _stated(data: GenerationData) -> Iterator[Need]:
    if data.model or data.model_hash:
        yield Need("checkpoint", data.model or "checkpoint", _clean(data.model_hash))
    if data.vae and data.vae.lower() not in ("none", "automatic"):
        yield Need("vae", data.vae, _clean(data.vae_hash))
    for resource in data.resources:
        yield Need(resource.kind.value, resource.name, _clean(resource.hash))


def _listed(data: GenerationData) -> Iterator[Need]:
    """The list `Hashes: {"lora:name": "..."}` that newer programs add."""
    for label, digits in data.hashes.items():
        kind, _colon, name = label.partition(":")
        if _clean(digits):
            yield Need(kind, name or kind, _clean(digits))


def _clean(digits: str | None) -> str:
    """A hash as look-ups take it; what is shorter than 8 digits names nothing."""
    text = (digits or "").strip().lower().removeprefix("0x")
    is_hash = 8 <= len(text) <= 64 and all(c in "0123456789abcdef" for c in text)
    return text if is_hash else ""
