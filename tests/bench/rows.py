"""The rows of the speed table: what is measured against whom, and the figures to reach."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from tests.bench.material import CAPTION
from tests.bench.running import Run
from tests.bench.trainers import RANK, Program, Setting, diffusers, kohya, ours

GIB = 2**30
ATTENTION = {"dim": RANK, "alpha": float(RANK), "targets": ["attention"]}
WORD = {"token": "<thing>", "vectors": 1, "initial_text": "thing", "preserve_norm": False}


@dataclass(frozen=True)
class Result:
    """One measure, as it is printed; `ratio` is compared with `must` and `strive`."""

    name: str
    ours: float | None = None
    peer: float | None = None
    ratio: float | None = None
    must: float | None = None
    strive: float | None = None
    at_least: bool = False  # the ratio has to be above the figures, not below
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return strive, must or missed; "not measured" is never passed."""
        if self.ratio is None or self.must is None:
            return "not measured" if self.must is not None else ""
        sign = -1 if self.at_least else 1
        for name in ("strive", "must"):
            limit = getattr(self, name)
            if limit is not None and sign * self.ratio <= sign * limit:
                return name
        return "missed"

    def as_json(self) -> str:
        """Return one line; what does not apply is left out."""
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}
        kept = {k: v for k, v in rounded.items() if v not in (None, "", False)}
        return json.dumps({**kept, "verdict": self.verdict}, ensure_ascii=False)


@dataclass(frozen=True)
class Measure:
    """One figure of a pair of runs."""

    name: str
    of: Callable[[Run], float]
    must: float
    strive: float


@dataclass(frozen=True)
class Pair:
    """Our program and a peer's, run in turns, and what is read off both."""

    row: str
    ours: str
    peer: str
    measures: tuple[Measure, ...]


def step(must: float, strive: float) -> Measure:
    """CPU seconds per step."""
    return Measure("CPU seconds per step", lambda run: run.step, must, strive)


def memory(must: float, strive: float) -> Measure:
    """Most memory resident."""
    return Measure("peak memory, GiB", lambda run: run.peak_bytes / GIB, must, strive)


def startup(must: float, strive: float) -> Measure:
    """CPU seconds before the first step."""
    return Measure("CPU seconds to the first step", lambda run: run.startup, must, strive)


OPERATIONS = Measure("tensor operations per step", lambda run: float(run.operations), 0.45, 0.30)

PAIRS: dict[str, tuple[Pair, ...]] = {
    "sd15": (
        Pair("lora", "ours", "kohya", (step(0.55, 0.45), memory(1.0, 0.7))),
        Pair("lora", "ours", "kohya cached", (step(0.80, 0.70),)),
        Pair(
            "lora-te", "ours attention", "diffusers lora+te", (step(0.55, 0.45), memory(1.3, 1.0))
        ),
        Pair("lora-unet", "ours unet", "diffusers lora", (step(0.55, 0.45),)),
    ),
    "micro": (
        Pair("lora", "ours", "kohya", (step(0.55, 0.45), OPERATIONS)),
        Pair("lora", "ours", "kohya cached", (step(0.80, 0.70), startup(0.7, 0.4))),
        Pair("lora-te", "ours attention", "diffusers lora+te", (step(0.85, 0.65),)),
        Pair("lora-unet", "ours unet", "diffusers lora", (step(0.85, 0.65),)),
        Pair("ti", "ours ti", "diffusers ti", (step(0.75, 0.6),)),
        Pair("dreambooth", "ours db", "diffusers db", (step(0.85, 0.7),)),
    ),
}

PROGRAMS: dict[str, Callable[[Setting], Program]] = {
    "ours": lambda s: ours(s, train_text_encoder=True),
    "ours attention": lambda s: ours(s, train_text_encoder=True, network=ATTENTION),
    "ours unet": lambda s: ours(s, network=ATTENTION),
    "ours ti": lambda s: ours(s, "textual_inversion", textual_inversion=WORD),
    "ours db": lambda s: ours(s, "dreambooth"),
    "kohya": kohya,
    "kohya cached": lambda s: kohya(s, "--cache_latents"),
    "diffusers lora+te": lambda s: diffusers(
        s, "dreambooth/train_dreambooth_lora.py", "instance_data_dir",
        instance_prompt=CAPTION, train_text_encoder=None, rank=RANK,
    ),
    "diffusers lora": lambda s: diffusers(
        s, "text_to_image/train_text_to_image_lora.py", "train_data_dir", rank=RANK
    ),
    "diffusers ti": lambda s: diffusers(
        s, "textual_inversion/textual_inversion.py", "train_data_dir",
        placeholder_token="<thing>", initializer_token="thing",
    ),
    "diffusers db": lambda s: diffusers(
        s, "dreambooth/train_dreambooth.py", "instance_data_dir", instance_prompt=CAPTION
    ),
}  # fmt: skip
