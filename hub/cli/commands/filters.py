"""What lists of models can be narrowed by, with the words that the hub knows for each.

The words complete in the shell and are taken in any case; others go to the hub as they are, since a
newer one may know them.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Annotated, Any

import typer

TYPES = (
    *("Checkpoint", "TextualInversion", "Hypernetwork", "AestheticGradient", "LORA", "LoCon"),
    *("DoRA", "Controlnet", "Upscaler", "MotionModule", "VAE", "TextEncoder", "UNet"),
    *("CLIPVision", "Poses", "Wildcards", "Workflows", "ComfyWorkflows", "Detection"),
    *("VisionLanguage", "CLIP", "LLM", "Other"),
)
CATEGORIES = (
    *("character", "style", "concept", "clothing", "object", "scene", "background", "pose"),
    *("action", "animal", "building", "vehicle", "assets", "tool"),
)
FORMATS = ("SafeTensor", "PickleTensor", "GGUF", "Diffusers", "ONNX", "Core ML", "Other")
PRECISIONS = ("fp32", "fp16", "bf16", "fp8", "int8", "nf4", "int4")
UNLISTED_LICENCE = "LicenseRef-"
LICENCES = (
    *(f"{UNLISTED_LICENCE}CreativeML-OpenRAIL-M", f"{UNLISTED_LICENCE}CreativeML-OpenRAIL++-M"),
    *(f"{UNLISTED_LICENCE}Fair-AI-Public-1.0-SD", "Apache-2.0", "MIT", "CC0-1.0", "CC-BY-4.0"),
    *("CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"),
)
SORTS = (
    *("relevance", "rating", "downloads", "likes", "comments", "bookmarks", "trending", "images"),
    *("newest", "oldest"),
)
#: By the names that the hub has for its filters.
KNOWN = {
    "type": TYPES,
    "subject": CATEGORIES,
    "format": FORMATS,
    "precision": PRECISIONS,
    "licence": LICENCES,
}


def known_words(given: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """The words as the hub spells them; a licence also without its `LicenseRef-`."""
    spelled = {word.removeprefix(UNLISTED_LICENCE).casefold(): word for word in known}
    spelled |= {word.casefold(): word for word in known}
    return [spelled.get(word.casefold(), word) for word in given or ()]


def _completing(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        # Shells go on only with what begins as it was typed.
        spelled = dict.fromkeys((*known, *map(str.casefold, known)))
        return [word for word in spelled if word.startswith(incomplete)]

    return complete


Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="LORA, Checkpoint, VAE …", autocompletion=_completing(TYPES)),
]
Bases = Annotated[list[str] | None, typer.Option("--base", help="Base model, like 'SDXL 1.0'.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only with this tag.")]
TeamName = Annotated[str, typer.Option("--team", help="Only this team's, drafts included.")]
Categories = Annotated[
    list[str] | None,
    typer.Option(
        "--category", help="character, style, pose …", autocompletion=_completing(CATEGORIES)
    ),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="Only with a file of this format: SafeTensor, PickleTensor, GGUF …",
        autocompletion=_completing(FORMATS),
    ),
]
Precisions = Annotated[
    list[str] | None,
    typer.Option(
        "--precision",
        help="Only with a file of this precision: fp32, fp16, bf16, fp8 …",
        autocompletion=_completing(PRECISIONS),
    ),
]
Licences = Annotated[
    list[str] | None,
    typer.Option(
        "--licence",
        help="Only under this licence, by its SPDX name: CC-BY-4.0, MIT …",
        autocompletion=_completing(LICENCES),
    ),
]
UserName = Annotated[str, typer.Option("--user", help="Only this creator's.")]
Collection = Annotated[
    int | None, typer.Option("--collection", min=1, help="Only what is in this collection.")
]
Mine = Annotated[bool, typer.Option("--mine", help="Only my own, drafts included.")]
Saved = Annotated[bool, typer.Option("--saved", help="Only what I saved.")]
Verified = Annotated[bool, typer.Option("--verified", help="Only with checked files.")]
TrainedHere = Annotated[
    bool, typer.Option("--trained-here", help="Only what was trained on this hub.")
]
Unseen = Annotated[bool, typer.Option("--unseen", help="Only what I have not opened yet.")]
Order = Annotated[
    str,
    typer.Option(
        "--sort",
        help="newest, downloads, likes, rating, trending …",
        autocompletion=_completing(SORTS),
    ),
]


def _chosen(
    *,
    type_: Types = None,
    base: Bases = None,
    tag: Tags = None,
    category: Categories = None,
    format_: Formats = None,
    precision: Precisions = None,
    licence: Licences = None,
    user: UserName = "",
    team: TeamName = "",
    collection: Collection = None,
    mine: Mine = False,
    saved: Saved = False,
    verified: Verified = False,
    trained_here: TrainedHere = False,
    unseen: Unseen = False,
) -> dict[str, Any]:
    """What narrows a list, in the words of the hub; what was left open is left out."""
    query: dict[str, Any] = {
        "type": type_,
        "base_model": base,
        "tag": tag,
        "subject": category,
        "format": format_,
        "precision": precision,
        "licence": licence,
        "username": user,
        "team": team,
        "collection": collection,
        "scope": "mine" if mine else "saved" if saved else "",
        "verified": verified,
        "trained_here": trained_here,
        "unseen": unseen,
    }
    spelled = {name: known_words(query[name], known) for name, known in KNOWN.items()}
    return {name: value for name, value in (query | spelled).items() if value}


def narrowing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a list in the place of its keyword `narrowed`.

    It gets what was chosen in the words of the hub. Typer reads options from the signature, which
    one function cannot take from another by itself.
    """
    options = inspect.signature(_chosen).parameters

    @wraps(command)
    def run(**given: Any) -> None:
        narrowed = _chosen(**{name: given.pop(name) for name in options})
        command(**given, narrowed=narrowed)

    signature = inspect.signature(command)
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        parameters += options.values() if name == "narrowed" else [parameter]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run
