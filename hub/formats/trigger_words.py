"""Words that stand in a caption on their own: put there, looked for, replaced.

The site's sample prompts and the engine's captions have to agree on where a trigger word goes.
"""

from __future__ import annotations

import re


def with_trigger(caption: str, trigger: str, separator: str = ",", *, last: bool = False) -> str:
    """Return the caption with the trigger word in front, unless it already has it.

    With `last` it goes to the end, also where it is one of the tags already.
    """
    if not trigger:
        return caption
    tags = [tag.strip() for tag in caption.split(separator) if tag.strip()]
    others = [tag for tag in tags if tag.lower() != trigger.lower()]
    if last and len(others) < len(tags):
        return f"{separator} ".join([*others, trigger])
    if contains_word(caption, trigger):
        return caption
    parts = [caption] if caption else []
    return f"{separator} ".join([*parts, trigger] if last else [trigger, *parts])


def contains_word(text: str, word: str) -> bool:
    """Tell whether `word` stands in `text` on its own, in any case of letters."""
    return _word(word).search(text) is not None


def replace_word(text: str, word: str, other: str) -> str:
    """Return the text with `other` wherever `word` stood on its own."""
    return _word(word).sub(lambda _: other, text)


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
