"""Sentences around a word to learn; [name] is the word, [filewords] the picture's caption."""

from __future__ import annotations

_SUBJECT = (
    "a picture of [name]",
    "a clear picture of [name]",
    "a close view of [name]",
    "[name] on a plain background",
    "one [name]",
    "a small picture of [name]",
    "a large picture of [name]",
    "a bright picture of [name]",
    "a good picture of the [name]",
    "a simple view of a [name]",
)
_STYLE = (
    "a picture in [name]",
    "a drawing in [name]",
    "a scene, [name]",
    "a clear picture, [name]",
    "a small picture in [name]",
    "a large picture in [name]",
    "a close view in [name]",
    "a bright picture, [name]",
)

TEMPLATE_SETS: dict[str, tuple[str, ...]] = {
    "subject": _SUBJECT,
    "style": _STYLE,
    "subject_captions": tuple(f"{sentence}, [filewords]" for sentence in _SUBJECT),
    "style_captions": (
        *(f"{sentence}, [filewords]" for sentence in _STYLE),
        "[filewords], [name]",
    ),
}
