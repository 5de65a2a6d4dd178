"""The settings that decide what a run leaves behind, and when. Torch-free."""

from __future__ import annotations

from typing import Literal

from training.engine.config.sections import Section, setting


class OutputSettings(Section):
    """What comes out of a run; these settings stand beside the others, in no table of their own."""

    save_precision: Literal["fp16", "bf16", "fp32"] = setting(
        "fp16", "Number format of the saved files."
    )

    save_every_epochs: int = setting(
        1,
        "Keep a checkpoint every so many epochs; 0 keeps only the last.",
        unit="epochs",
        ge=0,
        le=10000,
    )
    save_every_steps: int = setting(
        0, "Keep a checkpoint every so many steps too; 0 is off.", unit="steps", ge=0, le=1_000_000
    )
    save_last_epochs: int = setting(
        0,
        "So many of the checkpoints kept every so many epochs stay, the last ones; 0 keeps all.",
        unit="files",
        ge=0,
        le=10000,
    )
    save_last_steps: int = setting(
        0,
        "Checkpoints kept every so many steps stay for so many more; 0 keeps all.",
        unit="steps",
        ge=0,
        le=1_000_000,
    )
    state_every_seconds: float = setting(
        20.0,
        "Longest time between two saves of the resumable state.",
        unit="seconds",
        ge=0,
        le=3600,
    )
    sample_every_epochs: int = setting(
        1, "Make samples every so many epochs; 0 makes none.", unit="epochs", ge=0, le=10000
    )
    sample_every_steps: int = setting(
        0, "Make samples every so many steps too; 0 is off.", unit="steps", ge=0, le=1_000_000
    )
    sample_prompts: list[str] = setting(
        [],
        "Sample prompts, one a line, with kohya's options such as --n, --w, --h, --s, --l, --d; "
        "--hr, --hd, --hs, --hu are the hires fix, --init, --dn, --mask start from a picture.",
    )
