"""What the shared components need to know. Pages fill these; templates print them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, its size in pixels; `placeholder` is a data URI, `average_colour` hex."""

    src: str
    width: int
    height: int
    alt: str = ""
    srcset: str = ""
    sizes: str = ""
    placeholder: str = ""
    average_colour: str = ""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model in a list."""

    url: str
    title: str
    type_label: str
    base_model: str
    author_name: str
    download_count: int
    author_avatar_url: str = ""
    rating: float | None = None
    trigger_word: str = ""
    weight: str = ""
    cover: Picture | None = None
    save_url: str = ""
    is_saved: bool = False
    content_language: str = ""


@dataclass(frozen=True, slots=True)
class ImageCard:
    """One picture in a masonry."""

    url: str
    picture: Picture
    author_name: str = ""
    author_avatar_url: str = ""
    generation_text: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A badge inside another component: words, kind (ok, warn, danger, info) and icon."""

    text: str
    kind: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A small link inside another component."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """The scan of one file; `facts` are label and value of what each scanner said.

    Trouble `is_shown` at once; that all is well is there for whoever asks.
    """

    sentence: str
    at: datetime | None
    facts: tuple[tuple[str, str], ...] = ()
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class ConversionView:
    """Making a safetensors file of a pickle: a button where `url` is set, and how far it is."""

    url: str = ""
    state: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a button does by a POST; `symbol` is its icon."""

    label: str
    url: str
    symbol: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of a model; without `download_url` it cannot be had, and its verdict says why."""

    name: str
    size_bytes: int
    labels: tuple[Label, ...] = ()
    facts: str = ""
    download_url: str = ""
    hash_kind: str = ""
    hash_value: str = ""
    hashes: tuple[tuple[str, str], ...] = ()  # all kinds, each with its value
    links: tuple[Link, ...] = ()
    verdict: FileVerdict | None = None
    conversion: ConversionView | None = None
    deeds: tuple[Deed, ...] = ()
    edit_url: str = ""
    id: str = ""  # one for the page, so that what is open stays open when the row comes anew

    @property
    def short_hash(self) -> str:
        """Head and tail of the hash, enough to compare by eye."""
        if len(self.hash_value) <= 16:
            return self.hash_value
        return f"{self.hash_value[:10]}…{self.hash_value[-4:]}"


@dataclass(frozen=True, slots=True)
class Thumb:
    """One square of a grid of pictures."""

    id: str
    picture: Picture
    name: str
    count: int | None = None
    warning: Label | None = None
    is_selected: bool = False
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class TagRow:
    """One tag of a list with the share of images that have it; state is "", "in" or "out"."""

    text: str
    count: int
    total: int
    state: str = ""

    @property
    def percent(self) -> float:
        """Share of images with this tag, 0 to 100."""
        return round(100 * self.count / self.total, 1) if self.total else 0.0
