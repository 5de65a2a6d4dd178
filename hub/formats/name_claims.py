"""What the end of a file's name says about its content, and whether that is a lie."""

from collections.abc import Mapping
from pathlib import PurePath

from hub.formats.detection import IMAGE_TYPES, PICKLE_TYPES, VIDEO_TYPES, FileType

PICTURE_SUFFIXES: Mapping[str, FileType] = {
    ".png": FileType.PNG,
    **dict.fromkeys((".jpg", ".jpeg", ".jfif"), FileType.JPEG),
    ".webp": FileType.WEBP,
    ".avif": FileType.AVIF,
    ".gif": FileType.GIF,
}
TEXT_SUFFIXES = (".txt", ".md", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".csv", ".log")
_CLAIMS: Mapping[str, frozenset[FileType]] = {
    **{suffix: frozenset({found}) for suffix, found in PICTURE_SUFFIXES.items()},
    **dict.fromkeys(TEXT_SUFFIXES, frozenset({FileType.UNKNOWN})),
    **dict.fromkeys((".mp4", ".webm", ".mkv", ".mov"), VIDEO_TYPES),
    **dict.fromkeys((".zip", ".npz"), frozenset({FileType.ZIP})),
    **dict.fromkeys((".safetensors", ".sft"), frozenset({FileType.SAFETENSORS})),
    # A safetensors file gets its own ending when it is handed out.
    **dict.fromkeys(
        (".ckpt", ".pt", ".pth", ".bin", ".pkl"), PICKLE_TYPES | {FileType.SAFETENSORS}
    ),
    ".gguf": frozenset({FileType.GGUF}),
}


def is_untrue(name: str, found: FileType, *, any_picture: bool = False) -> bool:
    """Whether a name ends as files of another type do; text is of UNKNOWN type.

    With `any_picture` one kind of picture may bear the ending of another, as viewers do not mind.
    """
    suffix = PurePath(name).suffix.lower()
    claimed = _CLAIMS.get(suffix)
    if any_picture and suffix in PICTURE_SUFFIXES:
        claimed = IMAGE_TYPES
    return claimed is not None and found not in claimed
