"""What the OpenAPI document says about keys; loading this module makes the scheme known."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

from hub.api.native.pages import ErrorShape


class TokenScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer KEY`."""

    target_class = "hub.api.auth.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The scheme as OpenAPI writes it."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key from the settings page, limited to its scopes.",
        }


class NativeSchema(AutoSchema):
    """Says which endpoints answer without a key: an empty choice among those of `security`."""

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        """What an endpoint names, and for anything else the one form of all refusals."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        return bodies | {"default": self._get_response_for_code(ErrorShape, "default")}

    def get_auth(self) -> list[dict[str, list[str]]]:
        """The ways to authenticate; see NativeView.is_public."""
        ways: list[dict[str, list[str]]] = super().get_auth()
        is_open = getattr(self.view, "is_public", False) and self.method in SAFE_METHODS
        return [*ways, {}] if is_open and {} not in ways else ways
