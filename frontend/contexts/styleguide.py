"""Sample content for the page that shows every component."""

from dataclasses import dataclass, field

from django.templatetags.static import static
from django.utils.translation import gettext as _

from frontend.contexts.components import (
    FileRow,
    ImageCard,
    Label,
    ModelCard,
    Picture,
    TagRow,
    Thumb,
)

SHA256 = "9f2c41d07be83ad19f2c41d07be83ad19f2c41d07be83ad19f2c41d07be83ad1"


def sample(name: str, width: int = 600, height: int = 750, alt: str = "") -> Picture:
    """One of the drawn sample pictures."""
    return Picture(static(f"img/samples/{name}.svg"), width, height, alt)


def _cards() -> list[ModelCard]:
    rows = (
        ("c01", _("Yuki, night sky"), "LoRA", "SDXL", "linmo", 2143, 4.8, "yuki_ns", "0.7", True),
        (
            "c02",
            _("Layered hills"),
            "LoRA",
            "SD 1.5",
            "wenqing",
            1702,
            4.6,
            "flat_hills",
            "0.8",
            False,
        ),
        ("c03", _("Red bob"), "LoRA", "Pony", "aoi", 986, None, "redbob_girl", "0.65", False),
        ("", _("Midnight windows"), "Checkpoint", "SDXL", "qiaoqiao", 12, None, "", "", False),
    )
    return [
        ModelCard(
            url="#",
            title=title,
            type_label=kind,
            base_model=base,
            author_name=author,
            download_count=downloads,
            rating=rating,
            trigger_word=word,
            weight=weight,
            cover=sample(picture, alt=title) if picture else None,
            save_url="/styleguide/",
            is_saved=is_saved,
        )
        for picture, title, kind, base, author, downloads, rating, word, weight, is_saved in rows
    ]


def _files() -> list[FileRow]:
    verified = (Label(_("Verified"), "ok", "badge-check"), Label("SafeTensor"))
    checking = (Label(_("Checking"), "info", "scan-search"), Label("SafeTensor"))
    missing = (Label(_("File missing"), "danger", "file-x"),)
    return [
        FileRow("yuki_ns_v3.safetensors", 228_589_568, verified, "fp16", "#", "SHA256", SHA256),
        FileRow("yuki_ns_v2.safetensors", 228_589_568, checking, "fp16", "#"),
        FileRow("yuki_ns_v1.safetensors", 151_000_000, missing),
    ]


def _thumbs() -> list[Thumb]:
    small = Label(_("Too small"), "warn", "triangle-alert")
    alike = Label(_("Look-alike"), "warn", "copy")
    rows = (("d01", None, False), ("d02", small, False), ("d03", None, True), ("d04", alike, True))
    return [
        Thumb(f"thumb-{name}", sample(name, 320, 320), f"{name}.png", 12, warning, is_selected)
        for name, warning, is_selected in rows
    ]


def _images() -> list[ImageCard]:
    shapes = (("c01", 600, 750), ("d02", 600, 720), ("c04", 600, 750), ("d04", 600, 720))
    return [
        ImageCard(
            url="#",
            picture=sample(name, width, height, alt=_("Sample picture")),
            author_name="linmo",
            generation_text="yuki_ns, 1girl\nSteps: 28, Sampler: DPM++ 2M",
        )
        for name, width, height in shapes
    ]


@dataclass(frozen=True)
class StyleguideContext:
    """Everything that the page shows."""

    cards: list[ModelCard] = field(default_factory=_cards)
    files: list[FileRow] = field(default_factory=_files)
    thumbs: list[Thumb] = field(default_factory=_thumbs)
    images: list[ImageCard] = field(default_factory=_images)
    tags: list[TagRow] = field(
        default_factory=lambda: [
            TagRow("1girl", 27, 28),
            TagRow("red ribbon", 23, 28, "in"),
            TagRow("watermark", 3, 28, "out"),
        ]
    )
    icons: list[str] = field(
        default_factory=lambda: ["box", "images", "tags", "activity", "list-ordered", "download"]
    )
