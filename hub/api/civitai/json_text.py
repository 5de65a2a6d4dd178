"""JSON in the spelling of Python's `json`, which v1 always had, by an encoder that takes less time.

A list of 100 models is 800 kB: `json` takes as long for its text as PostgreSQL for its rows.
"""

import codecs
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise
from msgspec.json import Encoder
from msgspec.json import format as spaced

AS_ESCAPES = "hub.json.escapes"


def json_text(data: Any) -> bytes:
    """Return the text that `json.dumps` gives: one line, a space after `,` and `:`, all ASCII.

    Numbers below 0.0001 and above 1e16 are spelled as JavaScript does (`0.00001` for `1e-05`), and
    what is no number is null. Raises TypeError for what JSON cannot hold.
    """
    text = spaced(_encoder.encode(data), indent=0)
    if not text.isascii():
        text = text.decode().encode("ascii", AS_ESCAPES)
    return text.replace(b"\x7f", b"\\u007f")


class JsonText(bytes):
    """What is JSON already."""


def list_text(items: Iterable[bytes], metadata: Any) -> JsonText:
    """Return the text of a list whose items are texts, as `json_text` would have written it."""
    return JsonText(b'{"items": [%b], "metadata": %b}' % (b", ".join(items), json_text(metadata)))


def json_response(data: Any) -> HttpResponse:
    """Return an answer of this data."""
    text = data if isinstance(data, JsonText) else json_text(data)
    return HttpResponse(text, content_type="application/json")


def _plain(value: object) -> str:
    """Labels of choices and words of translations are kinds of text that msgspec does not know."""
    if isinstance(value, str | Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Characters beyond ASCII as escapes: outside of texts, JSON has none."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return encode_basestring_ascii(found)[1:-1], error.end


codecs.register_error(AS_ESCAPES, _escaped)
_encoder = Encoder(enc_hook=_plain)
