"""The hub over HTTP: JSON in and out, refusals as our errors, lists as iterators."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from hub.cli.credentials import Account
from hub.cli.errors import CliError, NotFound, Refused, SignInNeeded, Unreachable

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
CONNECT_RETRIES = 2
USER_AGENT = "atelier-cli"
V2 = "/api/v2"
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class HubClient:
    """One hub and one key, for the time of a command."""

    def __init__(self, account: Account, *, transport: httpx.BaseTransport | None = None) -> None:
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Language": _language(),
        }
        if account.token:
            headers["Authorization"] = f"Bearer {account.token}"
        self.origin = account.origin
        self._http = httpx.Client(
            base_url=account.origin,
            headers=headers,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            transport=transport or httpx.HTTPTransport(retries=CONNECT_RETRIES),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """An answer of v2."""
        return self._json("GET", f"{V2}/{path}", params=_without_empty(query))

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Make or ask something of v2."""
        return self._json("POST", f"{V2}/{path}", json=body or {})

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Change something of v2."""
        return self._json("PATCH", f"{V2}/{path}", json=body)

    def items(self, path: str, *, limit: int | None = None, **query: Any) -> Iterator[Any]:
        """The rows of a list, page after page, at most `limit` of them."""
        cursor, left = "", limit
        while left is None or left > 0:
            page = self.get(path, cursor=cursor, limit=min(left or 100, 100), **query)
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next_cursor"] or ""
            if not cursor:
                return

    def answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any answer below 400; `path` is an address on this hub."""
        with _line(self.origin):
            response = self._http.request(method, path, **options)
        if response.is_error:
            raise refusal(response)
        return response

    @contextmanager
    def stream(self, path: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The head of an answer whose bytes are yet to come; the key never leaves this origin."""
        with (
            _line(self.origin),
            self._http.stream("GET", path, headers=headers, follow_redirects=True) as response,
        ):
            if response.is_error:
                response.read()
                raise refusal(response)
            yield response

    def _json(self, method: str, path: str, **options: Any) -> Any:
        response = self.answer(method, path, **options)
        try:
            return response.json()
        except ValueError as error:
            raise Unreachable(
                f"{self.origin} answered with something else than Atelier's API. Check the address."
            ) from error


def _language() -> str:
    """The person's language as their system names it, in which the hub then answers."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    code = next(filter(None, names), "").partition(".")[0].replace("_", "-")
    return f"{code}, en;q=0.5" if LANGUAGE.fullmatch(code) else "en"


def refusal(response: httpx.Response) -> CliError:
    """The hub's words for a status of 400 and more."""
    message, code, missing = _said(response)
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return SignInNeeded(
            f"{response.url.host} does not take this token. Make one on its settings page and "
            "sign in again: atelier login",
            code="unauthorized",
        )
    if status == httpx.codes.NOT_FOUND:
        return NotFound(message or f"There is nothing at {response.url.path}.", code=code)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Unreachable(f"{response.url.host} has a problem of its own ({status}). Try later.")
    return Refused(message or f"The hub refused ({status}).", code=code, missing=missing)


def _said(response: httpx.Response) -> tuple[str, str, tuple[str, ...]]:
    try:
        body = response.json()
    except ValueError:
        return "", "", ()
    if not isinstance(body, dict):
        return "", "", ()
    words = [body.get("error"), body.get("message")]
    message = ". ".join(str(text).rstrip(".") for text in words if text)
    return (
        (f"{message}." if message else ""),
        str(body.get("code", "")),
        tuple(body.get("missing", ())),
    )


@contextmanager
def _line(origin: str) -> Iterator[None]:
    """Trouble of the line in words; what names the key is not repeated."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise Unreachable(f"{origin} does not answer. Try again later.", code="timeout") from error
    except httpx.ConnectError as error:
        raise Unreachable(
            f"{origin} cannot be reached ({error}). Check the address and that the hub is running."
        ) from error
    except httpx.TransportError as error:
        raise Unreachable(f"The line to {origin} broke ({error}). Run the same again.") from error


def _without_empty(query: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in query.items() if value not in (None, "", [], (), False)}
