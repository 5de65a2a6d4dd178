"""What a person wants to see side by side: its columns, and what can be drawn at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.accounts.models import User
from hub.core.errors import Conflict, Invalid
from models_registry.models.model import ModelType
from models_registry.models.version import ModelVersion
from models_registry.services.download import check_download, choose_file
from training.jobs.services.ranges import GUIDANCE_RANGE, SEED_RANGE, WEIGHT_RANGE, check_range

STEPS_RANGE, SIDE_RANGE, CLIP_SKIP_RANGE = (1, 150), (64, 2048), (1, 4)
MAX_PROMPT_CHARACTERS = 2_000
GIB = 1024**3
#: What drawing one picture takes, by family; the families that the engine draws.
DRAWING_BYTES = {"tiny": GIB // 2, "sd1": 3 * GIB, "sd2": 4 * GIB, "sdxl": 9 * GIB}
WEIGHTED_TYPES = frozenset(
    {ModelType.LORA, ModelType.LOCON, ModelType.DORA, ModelType.HYPERNETWORK}
)
APPLIED_TYPES = WEIGHTED_TYPES | {ModelType.TEXTUAL_INVERSION}
COMPARED_TYPES = APPLIED_TYPES | {ModelType.CHECKPOINT, ModelType.VAE}


@dataclass(frozen=True)
class ComparisonWish:
    """What a person wants to see side by side.

    `vaes` hold None for the checkpoint's own. `weights` matter for LoRAs and hypernetworks only;
    `with_plain` adds a column without the version for each checkpoint and VAE.
    """

    bases: Sequence[ModelVersion]
    prompts: Sequence[str]
    vaes: Sequence[ModelVersion | None] = (None,)
    weights: Sequence[float] = (1.0,)
    with_plain: bool = True
    negative: str = ""
    seeds: Sequence[int] = (1,)
    steps: int = 20
    guidance: float = 7.0
    sampler: str = ""
    width: int | None = None
    height: int | None = None
    clip_skip: int = 1


@dataclass(frozen=True)
class Column:
    """One column before it is a row; `weight` None where there is none to vary."""

    base: ModelVersion
    vae: ModelVersion | None = None
    is_applied: bool = False
    weight: float | None = None


def columns_of(version: ModelVersion, wish: ComparisonWish) -> list[Column]:
    """The columns of a wish, in the order of the page: by checkpoint, VAE, weight."""
    type_ = version.model.type
    if type_ in APPLIED_TYPES:
        weights: list[float | None] = list(wish.weights) if type_ in WEIGHTED_TYPES else [None]
        uses = [(True, weight) for weight in weights]
        uses = [(False, None), *uses] if wish.with_plain else uses
    else:
        uses = [(False, None)]
    return [
        Column(base, vae, is_applied, weight)
        for base, vae, (is_applied, weight) in product(wish.bases, wish.vaes, uses)
    ]


def family_of(version: ModelVersion) -> str:
    """The family that its base model belongs to, "" where none is said."""
    return version.base_model.family if version.base_model else ""


def check_wish(
    actor: User, version: ModelVersion, wish: ComparisonWish, columns: Sequence[Column]
) -> None:
    """Raise Invalid for what cannot be drawn, Conflict for a file that is still being checked."""
    if version.model.type not in COMPARED_TYPES:
        raise Invalid(_("Models of this type cannot be drawn with."), code="type_not_drawn")
    _check_axes(wish)
    vaes = [vae for vae in wish.vaes if vae is not None]
    for row in {version, *wish.bases, *vaes}:
        _check_file(actor, row)
    _check_types(version, wish.bases, vaes)
    families = {family_of(row) for row in (version, *wish.bases, *vaes)}
    if len(families) != 1 or not families <= DRAWING_BYTES.keys():
        raise Invalid(
            _("Everything in a comparison must belong to one family: SD 1, SD 2 or SDXL."),
            code="families_differ",
        )
    _check_pictures(len(columns) * len(wish.prompts) * len(wish.seeds))


def _check_types(
    version: ModelVersion, bases: Sequence[ModelVersion], vaes: Sequence[ModelVersion]
) -> None:
    if any(base.model.type != ModelType.CHECKPOINT for base in bases):
        raise Invalid(_("Choose checkpoints to draw with."), code="base_unfit")
    if any(vae.model.type != ModelType.VAE for vae in vaes):
        raise Invalid(_("Choose VAEs to draw with."), code="vae_unfit")
    own = {ModelType.CHECKPOINT: bases, ModelType.VAE: vaes}
    if version not in own.get(ModelType(version.model.type), [version]):
        raise Invalid(_("Choose the model itself, too."), code="itself_missing")


def _check_pictures(count: int) -> None:
    if count > settings.COMPARISON_MAX_PICTURES:
        text = ngettext(
            "This comparison has %(n)d picture; at most %(most)d can be drawn at once.",
            "This comparison has %(n)d pictures; at most %(most)d can be drawn at once.",
            count,
        )
        most = settings.COMPARISON_MAX_PICTURES
        raise Invalid(text % {"n": count, "most": most}, code="too_many")


def _check_axes(wish: ComparisonWish) -> None:
    parts: tuple[Sequence[object], ...] = (
        wish.bases, wish.vaes, wish.prompts, wish.weights, wish.seeds,
    )  # fmt: skip
    if not all(parts) or any(len(set(part)) != len(part) for part in parts):
        raise Invalid(_("A comparison needs at least one of everything, and nothing twice."))
    if any(not prompt.strip() for prompt in wish.prompts):
        raise Invalid(_("A comparison needs a prompt."), code="prompt_missing")
    if any(len(text) > MAX_PROMPT_CHARACTERS for text in (*wish.prompts, wish.negative)):
        raise Invalid(
            _("A prompt has at most %s characters.") % MAX_PROMPT_CHARACTERS, code="prompt_too_long"
        )
    check_range(wish.weights, WEIGHT_RANGE)
    check_range([wish.guidance], GUIDANCE_RANGE)
    check_range(wish.seeds, SEED_RANGE)
    check_range([wish.steps], STEPS_RANGE)
    check_range([wish.clip_skip], CLIP_SKIP_RANGE)
    check_range([side for side in (wish.width, wish.height) if side is not None], SIDE_RANGE)


def _check_file(actor: User, version: ModelVersion) -> None:
    """The actor may see the version and take its file, which was cleared."""
    if not ModelVersion.objects.reachable_by(actor).filter(pk=version.pk).exists():
        raise Invalid(_("There is no such version."), code="version_missing")
    file = choose_file(version)
    check_download(viewer=actor, file=file)
    if not file.is_clean:
        raise Conflict(
            _("%s is still being checked. Ask again when it is verified.") % version.model.name,
            code="file_not_clean",
        )
