"""Live messages to open pages, shared by the consumers of all areas.

The channel layer is a hint; rows are the truth: a page that missed a message asks again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

# Closing codes of our websockets; pages give up on 44xx and connect anew on 1013.
SIGN_IN_CODE = 4401
NOT_FOUND_CODE = 4404
TRY_AGAIN_CODE = 1013  # RFC 6455's registry

#: How long a line may go on being heard by somebody who lost the right to it.
RECHECK_SECONDS = 10.0

logger = logging.getLogger(__name__)


class LastingConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """A line that stays open for hours: the right to it is asked for again and again.

    A subclass says in `may_hear` whether its person still has it, and passes a message on only
    after `still_may_hear`.
    """

    checked: float | None = None

    async def receive(self, text_data: str | None = None, **_: object) -> None:
        """Nothing that a client says is read."""

    async def may_hear(self) -> bool:
        """Whether the person may go on listening, by the rows as they are now."""
        raise NotImplementedError

    async def still_may_hear(self) -> bool:
        """Ask again when the last answer is older than RECHECK_SECONDS; a no closes the line."""
        now = time.monotonic()
        if self.checked is not None and now - self.checked < RECHECK_SECONDS:
            return True
        try:
            allowed = await self.may_hear()
        except DatabaseError:
            await self.close(code=TRY_AGAIN_CODE)
            return False
        if not allowed:
            await self.close(code=NOT_FOUND_CODE)
            return False
        self.checked = now
        return True


def send_to_groups(groups: Sequence[str], message: dict[str, Any]) -> None:
    """Send to groups; a channel layer that is down loses hints, never what they tell of."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        for group in groups:
            async_to_sync(layer.group_send)(group, message)
    except (OSError, RedisError) as error:
        logger.warning("The channel layer did not take a message: %s", error)
