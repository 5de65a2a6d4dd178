"""Generation data: everything that was asked for when a picture was made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class GenerationSource(StrEnum):
    """The program, or family of programs, whose notation was read."""

    A1111 = "a1111"
    COMFYUI = "comfyui"
    SWARMUI = "swarmui"
    FOOOCUS = "fooocus"
    RUINED_FOOOCUS = "ruined_fooocus"
    NOVELAI = "novelai"
    INVOKEAI = "invokeai"


class ResourceKind(StrEnum):
    """Small models that are used beside the checkpoint; values are the words in a prompt."""

    LORA = "lora"
    EMBEDDING = "embedding"
    HYPERNETWORK = "hypernet"


@dataclass(frozen=True, slots=True)
class GenerationResource:
    """A LoRA, embedding or hypernetwork that took part.

    `hash` is as the source wrote it: 8, 10, 12 or 64 hex digits of SHA256 or AutoV3.
    """

    kind: ResourceKind
    name: str
    weight: float | None = None
    hash: str | None = None


@dataclass(frozen=True)
class GenerationData:
    """The settings of one picture; None where the source said nothing.

    `extra` holds, in the source's order, every key that has no field of its own, so that nothing
    is lost. `raw` is the source text itself; it takes no part in comparisons.
    """

    prompt: str = ""
    negative_prompt: str = ""
    steps: int | None = None
    sampler: str | None = None
    schedule_type: str | None = None
    cfg_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    model_hash: str | None = None
    vae: str | None = None
    vae_hash: str | None = None
    denoising_strength: float | None = None
    clip_skip: int | None = None
    hires_upscale: float | None = None
    hires_steps: int | None = None
    hires_upscaler: str | None = None
    version: str | None = None
    resources: tuple[GenerationResource, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    source: GenerationSource = GenerationSource.A1111
    raw: str = field(default="", compare=False, repr=False)
