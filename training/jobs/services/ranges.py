"""What numbers may be drawn with, and the sentence for those that may not."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from hub.core.errors import Invalid

WEIGHT_RANGE, GUIDANCE_RANGE, SEED_RANGE = (-2.0, 2.0), (0.0, 30.0), (0, 2**32 - 1)


def check_range(values: Sequence[float], allowed: tuple[float, float]) -> None:
    """Raise Invalid when one of the numbers is outside."""
    least, most = allowed
    if not all(least <= value <= most for value in values):
        raise Invalid(
            _("Numbers here go from %(least)s to %(most)s.") % {"least": least, "most": most}
        )
