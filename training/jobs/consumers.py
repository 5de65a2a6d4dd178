"""Live pages: everything a job told after the client's last number, then what it tells now.

A client says nothing but the ping of every line. It gets one JSON object a message, {"sequence",
"kind", "at", "data"}, numbered without gaps; after `{"kind": "live"}` it is up to date. Closing
codes: 4401 means sign in, 4404 no such job, 1013 connect anew.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async

from hub.accounts.models import User
from hub.accounts.queries import active_person, teams_of
from hub.core.live import NOT_FOUND_CODE, SIGN_IN_CODE, LastingConsumer
from training.jobs.messages import QUEUE_GROUP, job_group, message_of, team_group
from training.jobs.models.job import Job
from training.jobs.permissions import can_see_job
from training.jobs.services.events import replay

REPLAY_BATCH = 500


class JobConsumer(LastingConsumer):
    """One job: joins the group, replays from the rows, then passes live messages on.

    Joining comes first, so that nothing falls between; what comes twice is dropped by its number,
    and a hole (the channel layer may lose messages) is filled from the rows. The last message may
    be the lost one, so the rows are looked at now and then as well.
    """

    group = ""
    last = 0

    async def connect(self) -> None:
        """Check who asks, join, replay."""
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self._refuse(SIGN_IN_CODE)
            return
        job = await _visible_job(user, self.scope["url_route"]["kwargs"]["job_id"])
        if job is None:
            await self._refuse(NOT_FOUND_CODE)
            return
        self.job, self.user = job, user
        self.last = _after(self.scope["query_string"])
        self.group = job_group(job.pk)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        self.sending = asyncio.Lock()
        await self.catch_up()
        await self.send_json({"kind": "live", "sequence": self.last})
        self.keep_looking()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.stop_looking()
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def job_events(self, message: dict[str, Any]) -> None:
        """Pass on what is new; fetch from the rows where a number is missing."""
        if not await self.still_may_hear():
            return
        if message["events"][0]["sequence"] > self.last + 1:
            await self.catch_up()
            return
        async with self.sending:
            for event in message["events"]:
                if event["sequence"] > self.last:
                    await self._pass_on(event)

    async def may_hear(self) -> bool:
        """Whether the person is still one of those who see the job."""
        return await _visible_job(self.user, self.job.pk) is not None

    async def catch_up(self) -> None:
        """Pass on what the rows have after the last number."""
        async with self.sending:
            while messages := await _messages_after(self.job, self.last):
                for message in messages:
                    await self._pass_on(message)

    async def _pass_on(self, message: dict[str, Any]) -> None:
        await self.send_json(message)
        self.last = message["sequence"]

    async def _refuse(self, code: int) -> None:
        """A code reaches a browser only after the handshake."""
        await self.accept()
        await self.close(code=code)


class QueueConsumer(LastingConsumer):
    """The queue of the person's teams: says that something changed; the page asks for the rest."""

    groups_joined: tuple[str, ...] = ()

    async def connect(self) -> None:
        """Join the groups of the person's teams."""
        user = self.scope.get("user")
        await self.accept()
        if user is None or not user.is_authenticated:
            await self.close(code=SIGN_IN_CODE)
            return
        self.user = user
        if not await self.still_may_hear():
            return
        await self.send_json({"kind": "live"})
        self.keep_looking()

    async def disconnect(self, code: int) -> None:
        """Leave the groups."""
        await self.stop_looking()
        for group in self.groups_joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def queue_changed(self, message: dict[str, Any]) -> None:
        """Name the job that changed."""
        if not await self.still_may_hear():
            return
        if {QUEUE_GROUP, team_group(message["job"]["team"])} & set(self.groups_joined):
            await self.send_json({"kind": "queue", "job": message["job"]})

    async def may_hear(self) -> bool:
        """Be in the groups of the person's teams as they are now; not at all without an account."""
        groups = await _queue_groups(self.user)
        for group in set(self.groups_joined) - set(groups or ()):
            await self.channel_layer.group_discard(group, self.channel_name)
        for group in set(groups or ()) - set(self.groups_joined):
            await self.channel_layer.group_add(group, self.channel_name)
        self.groups_joined = groups or ()
        return groups is not None


def _after(query_string: bytes) -> int:
    """The client's last number; anything that is none counts as 0."""
    value = parse_qs(query_string.decode("latin-1")).get("after", ["0"])[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0


@database_sync_to_async
def _visible_job(user: User, job_id: UUID) -> Job | None:
    person = active_person(user.pk)
    job = Job.objects.select_related("team").filter(pk=job_id).first()
    return job if person and job is not None and can_see_job(person, job) else None


@database_sync_to_async
def _messages_after(job: Job, after: int) -> list[dict[str, Any]]:
    return [message_of(event) for event in replay(job, after, limit=REPLAY_BATCH)]


@database_sync_to_async
def _queue_groups(user: User) -> tuple[str, ...] | None:
    """The groups of an account that is still open; None for one that is closed."""
    person = active_person(user.pk)
    if person is None:
        return None
    if person.is_superuser:
        return (QUEUE_GROUP,)
    return tuple(team_group(team.pk) for team in teams_of(person))
