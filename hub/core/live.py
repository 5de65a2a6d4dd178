"""Live messages to open pages, shared by the consumers of all areas.

The channel layer is a hint; rows are the truth: a page that missed a message asks again.

A line rests on a session and on a person. Both have a group: signing out closes the lines of the
session at once, and what takes a right away makes the person's lines look at the rows again. Every
line looks by itself as well, so that nothing but time depends on the hint.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

from asgiref.sync import async_to_sync
from channels.auth import get_user
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, transaction
from redis.exceptions import RedisError

# Closing codes of our websockets; pages give up on 44xx and connect anew on 1013.
SIGN_IN_CODE = 4401
NOT_FOUND_CODE = 4404
TRY_AGAIN_CODE = 1013  # RFC 6455's registry

#: For how long an answer to "may this person hear it" counts.
RECHECK_SECONDS = 10.0

#: How often a line asks again by itself, and looks for what no message told of.
LOOK_SECONDS = 10.0

#: What a page says after a while of silence, and hears {"kind": "pong"}; a line of which one end
#: has gone without a word looks open to the other.
PING = '{"kind":"ping"}'

logger = logging.getLogger(__name__)


class LastingConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """A line that stays open for hours: the right to it is asked for again and again.

    A subclass says in `may_hear` whether its person still has it, passes a message on only after
    `still_may_hear`, and begins to `keep_looking` once it is connected.
    """

    checked: float | None = None
    looking: asyncio.Task[None] | None = None
    is_over = False

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Join the groups of the session and of the person before anything is looked at."""
        self.groups = _groups_of(self.scope)
        await super().websocket_connect(message)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close once, however many reasons there are."""
        if not self.is_over:
            self.is_over = True
            await super().close(code=code, reason=reason)

    async def receive(self, text_data: str | None = None, **_: object) -> None:
        """Answer a page that asks whether the line still leads anywhere."""
        if text_data == PING and not self.is_over:
            await self.send_json({"kind": "pong"})
        elif text_data:
            await self.take(text_data)

    async def take(self, text: str) -> None:
        """Nothing else that a client says is read; a subclass may."""

    async def session_over(self, message: dict[str, Any]) -> None:
        """The person signed out where this page was opened."""
        await self.close(code=SIGN_IN_CODE)

    async def person_changed(self, message: dict[str, Any]) -> None:
        """Something may have been taken from the person: look at once."""
        self.checked = None
        await self.still_may_hear()

    async def may_hear(self) -> bool:
        """Whether the person may go on listening, by the rows as they are now."""
        raise NotImplementedError

    async def still_may_hear(self) -> bool:
        """Ask again when the last answer is older than RECHECK_SECONDS; a no closes the line.

        A session that is over asks the page to connect anew: with the cookie that it has by now it
        is let in again, as after a change of password, or told to sign in.
        """
        if self.is_over:
            return False
        now = time.monotonic()
        if self.checked is not None and now - self.checked < RECHECK_SECONDS:
            return True
        try:
            code = await self._refusal()
        except DatabaseError:
            code = TRY_AGAIN_CODE
        if code:
            await self.close(code=code)
            return False
        self.checked = now
        return True

    def keep_looking(self) -> None:
        """Ask again and `catch_up` every LOOK_SECONDS until the line ends."""
        self.looking = asyncio.create_task(self._look_now_and_then())

    async def stop_looking(self) -> None:
        """For `disconnect`."""
        if self.looking is not None:
            self.looking.cancel()
            await asyncio.gather(self.looking, return_exceptions=True)

    async def catch_up(self) -> None:
        """Pass on what no message told of; lines without such things have nothing to do."""

    async def _look_now_and_then(self) -> None:
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if not await self.still_may_hear():
                    return
                await self.catch_up()
        except DatabaseError:
            await self.close(code=TRY_AGAIN_CODE)

    async def _refusal(self) -> int:
        """The code to close with, 0 for none."""
        key = _session_key(self.scope)
        if key:
            store = import_module(settings.SESSION_ENGINE).SessionStore(key)
            person = await get_user({"session": store})
            if not person.is_authenticated:
                return TRY_AGAIN_CODE
        return 0 if await self.may_hear() else NOT_FOUND_CODE


def end_lines_of_session(session_key: str) -> None:
    """Close what was opened in a session, whose sign-out is told before its rows are gone."""
    if session_key:
        send_to_groups((_session_group(session_key),), {"type": "session.over"})


def look_again_at(person_id: int) -> None:
    """Make all open lines of a person ask for their rights again, after commit."""
    message = {"type": "person.changed"}
    transaction.on_commit(partial(send_to_groups, (_person_group(person_id),), message))


def _groups_of(scope: dict[str, Any]) -> list[str]:
    user, key = scope.get("user"), _session_key(scope)
    if user is None or not user.is_authenticated:
        return []
    return [_person_group(user.pk), *([_session_group(key)] if key else [])]


def _session_key(scope: dict[str, Any]) -> str:
    """Key of the session that the line was opened in; "" for a line of none."""
    session = scope.get("session")
    return (session.session_key or "") if session is not None else ""


def _session_group(session_key: str) -> str:
    """The key itself opens the session, so it is not shown to the channel layer."""
    return f"session-{hashlib.sha256(session_key.encode()).hexdigest()[:40]}"


def _person_group(person_id: int) -> str:
    return f"person-{person_id}"


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
