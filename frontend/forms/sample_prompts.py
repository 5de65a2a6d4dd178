"""What is wrong with a line of sample prompts, in one sentence; the trainer itself is lenient."""

from collections.abc import Callable, Iterator, Mapping

from django.utils.translation import gettext as _

from training.engine.config.prompt_lines import (
    NEEDED,
    NUMBERS,
    OPTIONS,
    SAMPLER_WORDS,
    UPSCALERS,
    area_of,
    number_of,
    split_line,
    with_start,
)

#: The hash of a picture of the dataset by its file name or the beginning of its hash; None for no
#: such one.
FindPicture = Callable[[str], str | None]
DIGITS_SHOWN = 12


def line_problem(line: str, find: FindPicture) -> str:
    """The first thing that is wrong with a line, "" when it can be drawn."""
    prompt, options = split_line(line)
    if not prompt:
        return _("there is no prompt before the options.")
    return next(_problems(options, find), "")


def with_hash(line: str, find: FindPicture) -> str:
    """The line with its picture named by hash, as a snapshot of the dataset knows it."""
    name = split_line(line)[1].get("init", "")
    found = find(name) if name else None
    return with_start(line, found[:DIGITS_SHOWN]) if found else line


def _problems(options: Mapping[str, str], find: FindPicture) -> Iterator[str]:
    for name, text in options.items():
        if name not in OPTIONS:
            known = " ".join(f"--{option}" for option in OPTIONS)
            yield _("there is no option --%(name)s. Known are %(known)s.") % {
                "name": name,
                "known": known,
            }
        elif NEEDED.get(name, name) not in options and name in NEEDED:
            yield _("--%(name)s needs --%(other)s.") % {"name": name, "other": NEEDED[name]}
        elif name in NUMBERS:
            yield from _number_problem(name, text)
        else:
            yield from _word_problem(name, text, find)


def _number_problem(name: str, text: str) -> Iterator[str]:
    if number_of(name, text) is not None:
        return
    limits = NUMBERS[name]
    words = {
        "name": name,
        "text": text,
        "least": f"{limits.least:g}",
        "most": f"{int(limits.most)}",
    }
    if limits.is_whole:
        yield _("--%(name)s is a whole number from %(least)s to %(most)s, not “%(text)s”.") % words
    else:
        yield _("--%(name)s is a number from %(least)s to %(most)s, not “%(text)s”.") % words


def _word_problem(name: str, text: str, find: FindPicture) -> Iterator[str]:
    words = {"text": text, "name": name}
    if name == "ss" and text.lower() not in SAMPLER_WORDS:
        known = ", ".join(dict.fromkeys(SAMPLER_WORDS.values()))
        yield _("there is no sampler “%(text)s”. Known are %(known)s.") % {**words, "known": known}
    if name == "hu" and text.lower() not in [upscaler.lower() for upscaler in UPSCALERS]:
        known = ", ".join(UPSCALERS)
        yield _("there is no upscaler “%(text)s”. Known are %(known)s.") % {**words, "known": known}
    if name == "init" and find(text) is None:
        yield _("the dataset has no picture called “%(text)s”.") % words
    if name == "mask" and area_of(text) is None:
        shape = _(
            "--mask is left, top, right, bottom in percent, like 25,25,75,75; not “%(text)s”."
        )
        yield shape % words
