"""What kind of model a safetensors file is, told by the names and shapes of its tensors.

The key names are those of the public trainers and of the original Stable Diffusion checkpoints:
LyCORIS and kohya for adapters, `model.diffusion_model.` and `first_stage_model.` for checkpoints.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub.formats.safetensors_header import SafetensorsHeader, TensorInfo


class ModelKind(StrEnum):
    """Kinds of model; values are Civitai's names where it has one."""

    CHECKPOINT = "Checkpoint"
    LORA = "LORA"
    LOCON = "LoCon"
    LOHA = "LoHa"
    LOKR = "LoKr"
    DORA = "DoRA"
    TEXTUAL_INVERSION = "TextualInversion"
    HYPERNETWORK = "Hypernetwork"
    VAE = "VAE"
    CONTROLNET = "Controlnet"
    UNKNOWN = "Other"


class BaseArchitecture(StrEnum):
    """The family of networks that a model fits."""

    SD1 = "SD1"
    SD2 = "SD2"
    SDXL = "SDXL"
    UNKNOWN = "unknown"


class Precision(StrEnum):
    """Number format of most of the weights, with Civitai's names."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    FP8 = "fp8"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ModelGuess:
    """What the tensors say about a file."""

    kind: ModelKind
    architecture: BaseArchitecture
    precision: Precision
    has_ema: bool
    rank: int | None
    parameter_count: int


CONTEXT_WIDTHS: Mapping[int, BaseArchitecture] = {
    768: BaseArchitecture.SD1,
    1024: BaseArchitecture.SD2,
    2048: BaseArchitecture.SDXL,
}
PRECISIONS: Mapping[str, Precision] = {
    "F32": Precision.FP32,
    "F16": Precision.FP16,
    "BF16": Precision.BF16,
    "F8_E4M3": Precision.FP8,
    "F8_E5M2": Precision.FP8,
}
DOWN_SUFFIXES = (
    ".lora_down.weight",
    ".lora_A.weight",
    ".lora.down.weight",
    ".lora_A.default.weight",
    ".lora_linear_layer.down.weight",
    "_lora.down.weight",
)
# OFT, IA3, whole weights and norms; Civitai has all of LyCORIS that has no name there under LoCon.
OTHER_LYCORIS_PARTS = frozenset({"oft_blocks", "on_input", "diff", "w_norm"})
EMBEDDING_KEYS = frozenset({"emb_params", "emp_params", "clip_l", "clip_g", "emp_params_out"})
HYPERNETWORK_KEY = re.compile(r"[0-9]+\.[kv]\.linear\.[0-9]+\.(weight|bias)")
CROSS_ATTENTION = re.compile(r"attn2[._](?:processor\.)?to_[kv](?=[._])")
CHECKPOINT_PREFIXES = (
    "model.diffusion_model.",
    "diffusion_model.",
    "down_blocks.",
    "input_blocks.",
)
CONTROLNET_PARTS = ("control_model.", "controlnet_cond_embedding.", "input_hint_block.")
VAE_PREFIXES = ("first_stage_model.", "encoder.down", "decoder.up", "decoder.mid_block.")
XL_PREFIXES = ("lora_te2_", "conditioner.embedders.1.", "text_encoder_2.")
EMA_PREFIX = "model_ema."


def guess_model(header: SafetensorsHeader) -> ModelGuess:
    """Guess everything that names and shapes can tell."""
    return ModelGuess(
        kind=guess_model_kind(header),
        architecture=guess_architecture(header),
        precision=guess_precision(header.tensors),
        has_ema=any(tensor.name.startswith(EMA_PREFIX) for tensor in header.tensors),
        rank=_rank(header.tensors),
        parameter_count=sum(_count(tensor.shape) for tensor in header.tensors),
    )


def guess_model_kind(header: SafetensorsHeader) -> ModelKind:
    """Tell the kind of model; adapters first, since their keys contain those of what they adapt."""
    return _adapter_kind(header.tensors) or _embedding_kind(header.tensors) or _whole_kind(header)


def guess_architecture(header: SafetensorsHeader) -> BaseArchitecture:
    """Tell the family by the width of the text context, else by marker keys."""
    widths = Counter(CONTEXT_WIDTHS[w] for w in _context_widths(header) if w in CONTEXT_WIDTHS)
    if widths:
        return widths.most_common(1)[0][0]
    names = header.by_name
    if "clip_g" in names or _any_prefix(names, XL_PREFIXES):
        return BaseArchitecture.SDXL
    if _any_prefix(names, ("cond_stage_model.model.",)):
        return BaseArchitecture.SD2
    if _any_prefix(names, ("cond_stage_model.transformer.",)):
        return BaseArchitecture.SD1
    return _stated_architecture(header.metadata)


def guess_precision(tensors: Iterable[TensorInfo]) -> Precision:
    """Return the precision that holds the most bytes."""
    sizes: Counter[Precision] = Counter()
    for tensor in tensors:
        if tensor.dtype in PRECISIONS:
            sizes[PRECISIONS[tensor.dtype]] += tensor.size_bytes
    return sizes.most_common(1)[0][0] if sizes else Precision.UNKNOWN


def _adapter_kind(tensors: tuple[TensorInfo, ...]) -> ModelKind | None:
    parts = {tensor.name.rpartition(".")[2] for tensor in tensors}
    downs = [tensor for tensor in tensors if tensor.name.endswith(DOWN_SUFFIXES)]
    if not parts.isdisjoint({"dora_scale", "lora_magnitude_vector"}) or any(
        ".lora_magnitude_vector." in tensor.name for tensor in tensors
    ):
        return ModelKind.DORA
    if "hada_w1_a" in parts:
        return ModelKind.LOHA
    if not parts.isdisjoint({"lokr_w1", "lokr_w1_a"}):
        return ModelKind.LOKR
    if not parts.isdisjoint(OTHER_LYCORIS_PARTS):
        return ModelKind.LOCON
    if not downs:
        return None
    has_conv = any(len(tensor.shape) == 4 and tensor.shape[2:] != (1, 1) for tensor in downs)
    return ModelKind.LOCON if has_conv else ModelKind.LORA


def _embedding_kind(tensors: tuple[TensorInfo, ...]) -> ModelKind | None:
    names = {tensor.name for tensor in tensors}
    if not tensors:
        return None
    are_vectors = all(len(tensor.shape) in {1, 2} for tensor in tensors)
    is_known = all(
        name in EMBEDDING_KEYS or name.startswith("string_to_param.") or name.endswith("_out")
        for name in names
    )
    # A1111 takes any file with exactly one tensor for an embedding; so does diffusers.
    if are_vectors and (is_known or len(tensors) == 1):
        return ModelKind.TEXTUAL_INVERSION
    if all(HYPERNETWORK_KEY.fullmatch(name) for name in names):
        return ModelKind.HYPERNETWORK
    return None


def _whole_kind(header: SafetensorsHeader) -> ModelKind:
    names = header.by_name
    if any(part in name for name in names for part in CONTROLNET_PARTS):
        return ModelKind.CONTROLNET
    if _any_prefix(names, CHECKPOINT_PREFIXES):
        return ModelKind.CHECKPOINT
    if _any_prefix(names, VAE_PREFIXES):
        return ModelKind.VAE
    return ModelKind.UNKNOWN


def _context_widths(header: SafetensorsHeader) -> Iterator[int]:
    """Yield the input widths of the key and value layers of cross-attention."""
    names = header.by_name
    for tensor in header.tensors:
        if CROSS_ATTENTION.search(tensor.name):
            base, _, _ = tensor.name.rpartition(".lokr_w1")
            if base:
                yield _lokr_input_width(tensor, base, names)
            elif len(tensor.shape) == 2 and tensor.name.endswith(
                (*DOWN_SUFFIXES, "to_k.weight", "to_v.weight", ".hada_w1_b")
            ):
                yield tensor.shape[1]
        elif tensor.name in {"emb_params", "emp_params"} or len(header.tensors) == 1:
            yield tensor.shape[-1] if len(tensor.shape) in {1, 2} else 0


def _lokr_input_width(first: TensorInfo, base: str, names: Mapping[str, TensorInfo]) -> int:
    """A Kronecker product is as wide as its two factors' widths multiplied."""
    second = names.get(f"{base}.lokr_w2") or names.get(f"{base}.lokr_w2_b")
    if second is None or len(first.shape) != 2 or len(second.shape) != 2:
        return 0
    if first.name.endswith("lokr_w1_a"):
        first = names.get(f"{base}.lokr_w1_b", first)
    return first.shape[1] * second.shape[1] if len(first.shape) == 2 else 0


def _stated_architecture(metadata: Mapping[str, str]) -> BaseArchitecture:
    stated = metadata.get("ss_base_model_version", "") + metadata.get("modelspec.architecture", "")
    if stated.startswith("sdxl") or "diffusion-xl" in stated:
        return BaseArchitecture.SDXL
    if stated.startswith("sd_v2") or "diffusion-v2" in stated or metadata.get("ss_v2") == "True":
        return BaseArchitecture.SD2
    if stated.startswith(("sd_v1", "sd_1")) or "diffusion-v1" in stated:
        return BaseArchitecture.SD1
    return BaseArchitecture.UNKNOWN


def _rank(tensors: tuple[TensorInfo, ...]) -> int | None:
    """Return the rank that most layers have: the first side of the down weight."""
    ranks = Counter(
        tensor.shape[0]
        for tensor in tensors
        if tensor.shape and tensor.name.endswith((*DOWN_SUFFIXES, ".hada_w1_b"))
    )
    return ranks.most_common(1)[0][0] if ranks else None


def _any_prefix(names: Iterable[str], prefixes: tuple[str, ...]) -> bool:
    return any(name.startswith(prefixes) for name in names)


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
