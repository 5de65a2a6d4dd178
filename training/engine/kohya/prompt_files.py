"""The prompts of samples in the forms that kohya's scripts read: lines, TOML, JSON. Torch-free.

https://github.com/kohya-ss/sd-scripts/blob/main/library/train_util.py (load_prompts)
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.engine.config.prompt_lines import kept_lines
from training.engine.errors import ConfigError

OPTIONS = {
    "negative_prompt": "n",
    "width": "w",
    "height": "h",
    "sample_steps": "s",
    "scale": "l",
    "seed": "d",
    "sample_sampler": "ss",
}


def read_prompt_file(path: Path) -> list[str]:
    """Return the prompts of a file as lines; raises ConfigError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".toml":
            common = tomllib.loads(text)["prompt"]
            prompts = [{**common, **one} for one in common["subset"]]
        elif path.suffix == ".json":
            prompts = json.loads(text)
        else:
            return kept_lines(text.splitlines())
        return [one if isinstance(one, str) else _line(one) for one in prompts]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"The sample prompts {path} cannot be read: {error}") from error


def _line(prompt: Mapping[str, Any]) -> str:
    options = [f"--{short} {prompt[name]}" for name, short in OPTIONS.items() if name in prompt]
    return " ".join([str(prompt["prompt"]), *options])
