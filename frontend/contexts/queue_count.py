"""The number beside Queue in the header."""

from django.utils.translation import ngettext


def queue_sentence(count: int) -> str:
    """What the number means, for readers."""
    words = ngettext("%(n)d job waiting or running", "%(n)d jobs waiting or running", count)
    return words % {"n": count}
