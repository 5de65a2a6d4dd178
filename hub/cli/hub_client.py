"""The hub over HTTP: JSON in and out, refusals as our errors, lists as iterators."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from hub.cli.credentials import Account
from hub.cli.errors import CliError, NotFound, Refused, SignInNeeded, Unreachable
from hub.cli.language import ENGLISH
from hub.cli.language import gettext as _

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
CONNECT_RETRIES = 2
USER_AGENT = "atelier-cli"
V2 = "/api/v2"


class HubClient:
    """One hub and one key, for the time of a command."""

    def __init__(
        self,
        account: Account,
        *,
        language: str = ENGLISH,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Language": f"{language}, en;q=0.5" if language != ENGLISH else ENGLISH,
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
                _(
                    "{address} answered with something else than Atelier's API. Check the address."
                ).format(address=self.origin)
            ) from error


def refusal(response: httpx.Response) -> CliError:
    """The hub's words for a status of 400 and more."""
    message, code, missing = _said(response)
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return SignInNeeded(
            _(
                "{host} does not take this token. Make one on its settings page and "
                "sign in again: atelier login"
            ).format(host=response.url.host),
            code="unauthorized",
        )
    if status == httpx.codes.NOT_FOUND:
        nothing = _("There is nothing at {path}.").format(path=response.url.path)
        return NotFound(message or nothing, code=code)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        trouble = _("{host} has a problem of its own ({status}). Try later.")
        return Unreachable(trouble.format(host=response.url.host, status=status))
    refused = _("The hub refused ({status}).").format(status=status)
    return Refused(message or refused, code=code, missing=missing)


def _said(response: httpx.Response) -> tuple[str, str, tuple[str, ...]]:
    try:
        body = response.json()
    except ValueError:
        return "", "", ()
    if not isinstance(body, dict):
        return "", "", ()
    words = [body.get("error"), body.get("message")]
    return (
        " ".join(_sentence(str(text)) for text in words if text),
        str(body.get("code", "")),
        tuple(body.get("missing", ())),
    )


def _sentence(text: str) -> str:
    """The text with one full stop; Chinese has its own."""
    return text if text.endswith("。") else f"{text.rstrip('.')}."


@contextmanager
def _line(origin: str) -> Iterator[None]:
    """Trouble of the line in words; what names the key is not repeated."""
    try:
        yield
    except httpx.TimeoutException as error:
        silence = _("{address} does not answer. Try again later.").format(address=origin)
        raise Unreachable(silence, code="timeout") from error
    except httpx.ConnectError as error:
        raise Unreachable(
            _(
                "{address} cannot be reached ({reason}). "
                "Check the address and that the hub is running."
            ).format(address=origin, reason=error)
        ) from error
    except httpx.TransportError as error:
        raise Unreachable(
            _("The line to {address} broke ({reason}). Run the same again.").format(
                address=origin, reason=error
            )
        ) from error


def _without_empty(query: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in query.items() if value not in (None, "", [], (), False)}
