"""What of sample prompts is not as asked, in sentences; a run does not end over it. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator

from training.engine.config.prompt_lines import (
    NEEDED,
    NUMBERS,
    OPTIONS,
    SAMPLER_WORDS,
    UPSCALERS,
    area_of,
    kept_lines,
    number_of,
    split_line,
)
from training.engine.config.train import TrainConfig
from training.engine.samples.composition import JOINING, joined_prompts
from training.engine.samples.samplers import FALLBACK, SAMPLERS


def prompt_troubles(config: TrainConfig) -> list[str]:
    """Return a sentence for each option of a run's prompts, and for a sampler, not understood."""
    found = []
    lines = kept_lines(config.sample_prompts)
    if lines and not _is_sampler(config.sampling.sampler):
        found.append(f"For samples {_unknown_sampler(config.sampling.sampler)}.")
    for number, line in enumerate(lines, 1):
        found += [f"Sample prompt {number}: {trouble}." for trouble in _of_line(line)]
    return found


def _of_line(line: str) -> Iterator[str]:
    prompt, options = split_line(line)
    if not prompt:
        yield "there are no words before its options, so it is drawn without any"
    joined = joined_prompts(prompt)
    if len(joined) == 1 and joined[0].weight != 1:
        yield f"the {joined[0].weight:g} at its end is its weight, as in A1111, and no word"
    if JOINING.search(options.get("n", "")):
        yield "AND is a word like others in a negative prompt; it joins prompts alone"
    for name, text in options.items():
        if name not in OPTIONS:
            yield f"--{name} is no option that is known here, and is left out"
        elif NEEDED.get(name, name) not in options:
            yield f"--{name} does nothing without --{NEEDED[name]}"
        elif name in NUMBERS:
            yield from _of_number(name, text)
        else:
            yield from _of_word(name, text)


def _of_number(name: str, text: str) -> Iterator[str]:
    first = (text.split() or [""])[0]
    if number_of(name, first) is None:
        limits = NUMBERS[name]
        kind = "whole number" if limits.is_whole else "number"
        yield (
            f"--{name} {text} is no {kind} from {limits.least:g} to {limits.most:.10g}; the "
            "nearest is taken, or what the settings say"
        )


def _of_word(name: str, text: str) -> Iterator[str]:
    if name == "ss" and not _is_sampler(text):
        yield _unknown_sampler(text)
    elif name == "hu" and text.lower() not in [upscaler.lower() for upscaler in UPSCALERS]:
        yield f"there is no upscaler {text!r}, so {UPSCALERS[0]} is taken"
    elif name == "mask" and area_of(text) is None:
        yield f"--mask {text} is not left, top, right, bottom in percent, so all is painted anew"


def _is_sampler(name: str) -> bool:
    return name.strip().lower() in SAMPLER_WORDS


def _unknown_sampler(name: str) -> str:
    known = ", ".join(SAMPLERS)
    return f"there is no sampler {name!r} here, so {FALLBACK} is taken; known are {known}"
