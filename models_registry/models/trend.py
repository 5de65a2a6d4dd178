"""The order "trending": a formula that needs no clock, so that an index can hold it."""

from django.db import models
from django.db.models import F
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Ln


class TrendClock(models.Func):
    """Days since 2020 divided by three, as an immutable expression."""

    template = (
        "(EXTRACT(EPOCH FROM (%(expressions)s - TIMESTAMPTZ '2020-01-01 00:00:00+00'))"
        " / 259200.0)::double precision"
    )
    output_field = models.FloatField()


def trend_score() -> CombinedExpression:
    """What "trending" sorts by: ln(1 + use) + the newest version's day since 2020 / 3.

    Use is downloads + 5 × thumbs up + 3 × saved + 2 × pictures + 2 × comments; so ten times the use
    is as good as being a week younger. The score does not depend on when it is read: it changes
    with the counters only, and an index can hold it.
    """
    use = (
        F("download_count")
        + 5 * F("thumbs_up_count")
        + 3 * F("bookmark_count")
        + 2 * F("image_count")
        + 2 * F("comment_count")
        + 1
    )
    return Ln(Cast(use, models.FloatField())) + TrendClock(F("last_version_at"))
