"""The person behind a raw ASGI request: a bearer token with a writing scope, else the session."""

from collections.abc import MutableMapping
from typing import Any

from channels.db import database_sync_to_async

from hub.accounts.models import Scope, User
from hub.accounts.services import user_for_token

WRITING = {Scope.MODELS_WRITE, Scope.DATASETS_WRITE, Scope.IMAGES_WRITE}


async def person_behind(scope: MutableMapping[str, Any]) -> User | None:
    """The signed-in person, or None."""
    headers = dict(scope["headers"])
    scheme, _space, key = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        found = await database_sync_to_async(user_for_token)(key.strip())
        return found[0] if found and WRITING & set(found[1].scopes) else None
    user = scope.get("user")
    return user if user is not None and user.is_authenticated else None
