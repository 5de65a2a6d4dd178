"""Bearer tokens: `Authorization: Bearer KEY`, or for reading also `?token=KEY`."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from hub.accounts.models import ApiToken, User
from hub.accounts.services import user_for_token


class TokenAuthentication(BaseAuthentication):
    """A key that is unknown or revoked is refused: whoever sends one would take less for all.

    Only `/api/v1` counts it as nobody, since Civitai's clients send what they have to everything.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Owner and token of a live key, None without a key; raises AuthenticationFailed."""
        key = key_of(request)
        if not key:
            return None
        found = user_for_token(key)
        if found is None:
            raise AuthenticationFailed(_("This key is not known here, or it was revoked."))
        return found

    def authenticate_header(self, request: Request) -> str:
        """Makes a refused call a 401 that names the scheme."""
        return "Bearer"


def key_of(request: HttpRequest | Request) -> str:
    """The key a request carries, or nothing."""
    scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    return request.GET.get("token", "") if request.method in ("GET", "HEAD") else ""


def has_scope(auth: Any, scope: str) -> bool:
    """Whether the caller may do what `scope` names; a browser session may do all its person may."""
    return not isinstance(auth, ApiToken) or scope in auth.scopes
