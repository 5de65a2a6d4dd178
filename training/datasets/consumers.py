"""The tag editor of several people: who is at which picture, and which pictures changed.

A client sends {"at": id of a picture} when it goes to one, and every half minute. It gets
{"kind": "present", "key", "who", "user", "at"} of the others, {"kind": "left", "key"} when one
goes, and {"kind": "changed", "items": [ids] or null for many}. Nothing of this is kept: who hears
of nobody for a while may take them as gone. Closing codes: 4401 means sign in, 4404 no such
dataset.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async

from hub.accounts.queries import active_person
from hub.core.live import SIGN_IN_CODE, LastingConsumer
from training.datasets.models.dataset import Dataset
from training.datasets.permissions import can_see_dataset
from training.datasets.services.broadcast import dataset_group

SHORTEST_SECONDS = 0.1  # between two messages of a client; faster ones are left out
LONGEST_MESSAGE = 200


class EditorConsumer(LastingConsumer):
    """One open tag editor."""

    group = ""
    at: str | None = None
    heard = 0.0

    async def connect(self) -> None:
        """Check who asks, join, and ask the others where they are."""
        user = self.scope.get("user")
        await self.accept()  # a closing code reaches a browser only after the handshake
        if user is None or not user.is_authenticated:
            await self.close(code=SIGN_IN_CODE)
            return
        self.user, self.key = user, secrets.token_hex(8)
        self.dataset_id = self.scope["url_route"]["kwargs"]["dataset_id"]
        if not await self.still_may_hear():
            return
        self.group = dataset_group(self.dataset_id)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self._tell("dataset.hello")
        self.keep_looking()

    async def disconnect(self, code: int) -> None:
        """Leave, and say so."""
        await self.stop_looking()
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)
            await self._tell("dataset.left")

    async def may_hear(self) -> bool:
        """Whether the person is still one of those who see the dataset."""
        return await _may_see(self.user.pk, self.dataset_id)

    async def take(self, text: str) -> None:
        """Pass on where this person is; anything else, or too often, is left out."""
        now = time.monotonic()
        if not self.group or now - self.heard < SHORTEST_SECONDS:
            return
        self.heard = now
        if not await self.still_may_hear():
            return
        at = _picture_in(text)
        if at is not None:
            self.at = at
            await self._tell_place()

    async def dataset_hello(self, message: dict[str, Any]) -> None:
        """Somebody came: say where one is."""
        if message["key"] != self.key and self.at is not None and await self.still_may_hear():
            await self._tell_place()

    async def dataset_present(self, message: dict[str, Any]) -> None:
        """Pass on where another is."""
        if message["key"] != self.key and await self.still_may_hear():
            shown = {name: message[name] for name in ("key", "who", "user", "at")}
            await self.send_json({"kind": "present", **shown})

    async def dataset_left(self, message: dict[str, Any]) -> None:
        """Pass on that another went."""
        if message["key"] != self.key and await self.still_may_hear():
            await self.send_json({"kind": "left", "key": message["key"]})

    async def dataset_changed(self, message: dict[str, Any]) -> None:
        """Pass on which pictures changed; the page asks for them."""
        if await self.still_may_hear():
            await self.send_json({"kind": "changed", "items": message["items"]})

    async def _tell_place(self) -> None:
        await self._tell(
            "dataset.present", who=self.user.public_name, user=self.user.pk, at=self.at
        )

    async def _tell(self, kind: str, **more: object) -> None:
        await self.channel_layer.group_send(self.group, {"type": kind, "key": self.key, **more})


def _picture_in(text: str) -> str | None:
    """The picture that a client's message names; None for anything else."""
    if len(text) > LONGEST_MESSAGE:
        return None
    try:
        return str(UUID(json.loads(text)["at"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@database_sync_to_async
def _may_see(user_id: int, dataset_id: UUID) -> bool:
    user = active_person(user_id)
    dataset = Dataset.objects.select_related("team").filter(pk=dataset_id).first()
    return user is not None and dataset is not None and can_see_dataset(user, dataset)
