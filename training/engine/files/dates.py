"""The dates that files carry: the clock's, or what SOURCE_DATE_EPOCH says instead. Torch-free.

With that variable set, two runs of the same settings on a machine leave the same files, byte for
byte; without it they differ in their dates alone.
https://reproducible-builds.org/specs/source-date-epoch/
"""

from __future__ import annotations

import os
import time

from training.engine.errors import ConfigError

VARIABLE = "SOURCE_DATE_EPOCH"
LATEST = 253402300799  # the last second of the year 9999, beyond which no calendar counts


def date_now() -> float:
    """Return the date of what is made now, in Unix seconds. Raises ConfigError."""
    chosen = _chosen()
    return round(time.time(), 3) if chosen is None else chosen


def not_later(seconds: float) -> float:
    """Return a date of the past, moved back where it is later than what the variable says."""
    chosen = _chosen()
    return seconds if chosen is None else min(seconds, chosen)


def _chosen() -> float | None:
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > LATEST:
        raise ConfigError(
            f"{VARIABLE} is {text!r}, and it has to be a whole number of seconds since 1970, such "
            "as 1735689600. Set it to one, or unset it to have the dates of the clock."
        )
    return float(text)
