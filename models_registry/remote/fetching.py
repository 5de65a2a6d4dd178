"""One GET of a large file: redirects by hand, from the middle where the other side allows it."""

import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from functools import cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

import httpcore
from django.utils.translation import gettext as _

from hub.core.errors import Gone, Invalid, NotAllowed
from models_registry.remote.address_guard import GuardedBackend, Network, Pace

MAX_REDIRECTS = 5
TIMEOUTS = {"connect": 10.0, "read": 30.0, "write": 10.0, "pool": 10.0}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
COUNT = re.compile(r"[0-9]{1,18}")
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
KEPT_SIGNS = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What the other side says: `offset` is where the bytes begin, `size_bytes` the whole file.

    `validator` is a strong ETag, or "" when the file cannot be gone on with later.
    """

    filename: str
    size_bytes: int | None
    validator: str
    offset: int


def check_url(url: str) -> str:
    """An http or https address without a password in it, as it goes over the line: in ASCII.

    Names in other scripts become their IDNA form, other signs are percent-encoded. Raises Invalid.
    """
    refusal = Invalid(_("Only addresses that begin with http:// or https:// can be fetched."))
    try:
        parts = urlsplit(url.strip())
        host, port = _plain_host(parts.hostname or ""), parts.port
    except ValueError as error:  # also the UnicodeError of a name that no network knows
        raise refusal from error
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise refusal
    if parts.username or parts.password:
        raise Invalid(_("Leave name and password out of the address: it is kept as it is."))
    place = host if port is None else f"{host}:{port}"
    path, query = (quote(part, safe=KEPT_SIGNS) for part in (parts.path, parts.query))
    return urlunsplit((parts.scheme, place, path, query, ""))


def _plain_host(host: str) -> str:
    name = host if host.isascii() else host.encode("idna").decode()
    return f"[{name}]" if ":" in name else name


@contextmanager
def open_remote(
    url: str,
    *,
    pace: Pace,
    offset: int = 0,
    validator: str = "",
    allowed: Iterable[Network] = (),
) -> Iterator[tuple[RemoteFile, Iterator[bytes]]]:
    """The file behind an address and its bytes, from `offset` if it is still the same file.

    Every hop of a redirect is judged like the first address. Raises AddressRefused, NotAllowed or
    Gone for what will not get better, httpcore's errors for what may.
    """
    headers: dict[bytes | str, bytes | str] = {
        "Accept-Encoding": "identity",
        "User-Agent": "Atelier",
    }
    if offset and validator:
        headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
    backend = GuardedBackend(allowed, pace=pace)
    with httpcore.ConnectionPool(ssl_context=_tls_context(), network_backend=backend) as pool:
        for _hop in range(MAX_REDIRECTS + 1):
            request = pool.stream(
                "GET", check_url(url), headers=headers, extensions={"timeout": TIMEOUTS}
            )
            with request as response:
                target = _redirect(response)
                if not target:
                    yield _described(url, response, asked=offset), response.iter_stream()
                    return
                url = _next_hop(url, target)
    raise NotAllowed(_("This address leads on and on. Name the one that the file is at."))


@cache
def _tls_context() -> ssl.SSLContext:
    """Reading the certificates takes longer than a small file: once in a process is enough."""
    import httpx  # a quarter of a second, with the terminal's library behind it

    return httpx.create_ssl_context()


def _next_hop(url: str, target: str) -> str:
    """Where a redirect leads; servers that send raw UTF-8 are understood too."""
    try:
        return urljoin(url, _as_utf8(target))
    except ValueError as error:
        raise NotAllowed(_("This address leads to one that is none.")) from error


def _redirect(response: httpcore.Response) -> str:
    return _header(response, "location") if response.status in REDIRECTS else ""


def _described(url: str, response: httpcore.Response, *, asked: int) -> RemoteFile:
    _check_status(response.status)
    _check_form(response)
    length = _header(response, "content-length")
    size = int(length) if COUNT.fullmatch(length) else None
    offset = 0
    if response.status == 206:
        match = CONTENT_RANGE.fullmatch(_header(response, "content-range"))
        if match is None or int(match[1]) != asked:
            raise httpcore.RemoteProtocolError("a part that was not asked for")
        offset, size = asked, int(match[2]) if match[2] != "*" else None
    etag = _header(response, "etag")
    return RemoteFile(
        filename=_filename(url, _header(response, "content-disposition")),
        size_bytes=size,
        validator="" if etag.startswith("W/") else etag[:200],
        offset=offset,
    )


def _check_status(status: int) -> None:
    if status in {200, 206}:
        return
    if status in {401, 403}:
        raise NotAllowed(_("The other side does not hand this file to everyone."))
    if status in {404, 410}:
        raise Gone(_("There is no file at this address."))
    if status >= 500 or status in {408, 416, 425, 429}:
        raise httpcore.RemoteProtocolError(f"status {status}")
    raise NotAllowed(_("The other side refused with status %d.") % status)


def _check_form(response: httpcore.Response) -> None:
    """Refuses what is not the file itself."""
    if _header(response, "content-type").partition(";")[0].strip().lower() == "text/html":
        raise NotAllowed(
            _("A web page is at this address, not a file. Perhaps people have to sign in there.")
        )
    if _header(response, "content-encoding").strip().lower() not in {"", "identity"}:
        raise NotAllowed(_("The other side sends this file only compressed for the way."))


def _filename(url: str, disposition: str) -> str:
    """The name by RFC 6266, else the end of the address; raw UTF-8 and %C3%A9 are understood."""
    end = PurePosixPath(urlsplit(url).path).name
    try:
        told = _told_name(disposition)
    except (LookupError, TypeError, ValueError):  # what email.message makes of nonsense
        told = ""
    return told or unquote(_as_utf8(end))


def _told_name(disposition: str) -> str:
    """The name in a Content-Disposition, "" where there is none."""
    message = Message()
    message["Content-Disposition"] = disposition or "attachment"
    told: list[tuple[str, Any]] = message.get_params(failobj=[], header="content-disposition")
    names = [value for key, value in told if key.lower() == "filename" and value]
    with_charset = [name for name in names if isinstance(name, tuple)]
    if with_charset:
        charset, _language, text = with_charset[0]
        # Python has codecs that are no charsets, or that yield what is no text.
        encoding = "latin-1" if (charset or "").lower() == "iso-8859-1" else "utf-8"
        return text.encode("latin-1").decode(encoding, "replace")
    return unquote(_as_utf8(names[0])) if names else ""


def _as_utf8(header: str) -> str:
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _header(response: httpcore.Response, name: str) -> str:
    wanted = name.encode()
    for key, value in response.headers:
        if key.lower() == wanted:
            return str(value.decode("latin-1"))
    return ""
