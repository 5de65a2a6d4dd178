"""Live pages over a real channel layer: nothing missing, nothing twice, nobody else's job."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import AnonymousUser
from django.test import Client as Browser
from django.urls import reverse

from hub.accounts.models import Membership, User
from hub.accounts.services import remove_member
from tests.factories.accounts import UserFactory
from tests.factories.training import SERIES, claimed_job, make_job, started, stepped
from tests.factories.websocket_client import Client
from training.jobs.messages import job_group
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import Job
from training.jobs.services import lifecycle
from training.jobs.services.events import record_events

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_layer")]

make = database_sync_to_async(claimed_job)
record = database_sync_to_async(record_events)


async def test_a_client_gets_what_it_missed_and_then_what_is_new() -> None:
    job, _ = await make()
    await record(job.pk, 1, [started(1), stepped(2, 1)], run_folder=SERIES)
    client = Client(
        f"/ws/jobs/{job.pk}/?after=1", await database_sync_to_async(lambda: job.owner)()
    )
    await client.connect()
    missed = await client.until_live()
    assert [message["sequence"] for message in missed] == [2, 3, 4]
    await record(job.pk, 1, [stepped(3, 2)], run_folder=SERIES)
    live = await client.receive()
    assert (live["sequence"], live["kind"], live["data"]["step"]) == (5, "stepped", 2)
    await client.leave()


async def test_a_reconnect_in_the_middle_of_a_run_sees_every_number_once() -> None:
    job, _ = await make()
    owner = await database_sync_to_async(lambda: job.owner)()
    seen: list[int] = []
    for round_number in range(4):
        first = 1 + round_number * 5
        client = Client(f"/ws/jobs/{job.pk}/?after={max(seen, default=0)}", owner)
        await client.connect()
        seen += [message["sequence"] for message in await client.until_live()]
        for number in range(first, first + 3):
            await record(job.pk, 1, [stepped(number, number)], run_folder=SERIES)
            seen.append((await client.receive())["sequence"])
        await client.leave()
        for number in range(first + 3, first + 5):
            await record(job.pk, 1, [stepped(number, number)], run_folder=SERIES)
    client = Client(f"/ws/jobs/{job.pk}/?after={seen[-1]}", owner)
    await client.connect()
    seen += [message["sequence"] for message in await client.until_live()]
    await client.leave()
    last = await database_sync_to_async(lambda: Job.objects.get(pk=job.pk).last_sequence)()
    assert seen == list(range(1, last + 1))


async def test_a_lost_message_is_fetched_and_one_that_comes_twice_is_dropped() -> None:
    job, _ = await make()
    client = Client(f"/ws/jobs/{job.pk}/", await database_sync_to_async(lambda: job.owner)())
    await client.connect()
    await client.until_live()
    layer = get_channel_layer()
    old = {"sequence": 1, "kind": "state", "at": "", "data": {}}
    await layer.group_send(job_group(job.pk), {"type": "job.events", "events": [old]})
    rows = await record(job.pk, 1, [stepped(1, 1)], run_folder=SERIES)
    assert (await client.receive())["sequence"] == rows[0].sequence
    await database_sync_to_async(lose_message)(job)
    hint = {"sequence": rows[0].sequence + 2, "kind": "stepped", "at": "", "data": {"step": -1}}
    await layer.group_send(job_group(job.pk), {"type": "job.events", "events": [hint]})
    got = await client.receive()
    assert (got["sequence"], got["data"]["step"]) == (rows[0].sequence + 1, 2)
    await client.leave()


async def test_a_last_message_that_was_lost_is_found_by_looking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.core.live.LOOK_SECONDS", 0.05)
    job, _ = await make()
    rows = await record(job.pk, 1, [stepped(1, 1)], run_folder=SERIES)
    client = Client(f"/ws/jobs/{job.pk}/", await database_sync_to_async(lambda: job.owner)())
    await client.connect()
    await client.until_live()
    await database_sync_to_async(lose_message)(job)
    got = await client.receive()
    assert (got["sequence"], got["data"]["step"]) == (rows[0].sequence + 1, 2)
    assert await client.hears_nothing()
    await client.leave()


async def test_every_line_answers_a_page_that_asks_and_reads_nothing_else() -> None:
    job, _ = await make()
    owner = await database_sync_to_async(lambda: job.owner)()
    dataset = await database_sync_to_async(lambda: job.snapshot.dataset)()
    addresses = (f"/ws/jobs/{job.pk}/", "/ws/queue/", f"/ws/datasets/{dataset.pk}/")
    for address in addresses:
        client = Client(address, owner)
        await client.connect()
        if "datasets" not in address:
            await client.until_live()
        await client.send({"kind": "ping", "more": 1})
        await client.send(["ping"])
        await client.send({"kind": "ping"})
        assert await client.receive() == {"kind": "pong"}
        assert await client.hears_nothing()
        await client.leave()


async def test_who_leaves_the_team_hears_no_more_of_its_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.core.live.RECHECK_SECONDS", 0.0)
    job, _ = await make()
    member = await database_sync_to_async(UserFactory)()
    owner, team = await database_sync_to_async(lambda: (job.owner, job.team))()
    await database_sync_to_async(Membership.objects.create)(team=team, user=member)
    run, queue = Client(f"/ws/jobs/{job.pk}/", member), Client("/ws/queue/", member)
    for client in (run, queue):
        await client.connect()
        await client.until_live()
    await record(job.pk, 1, [stepped(1, 1)], run_folder=SERIES)
    assert (await run.receive())["kind"] == "stepped"
    await database_sync_to_async(Membership.objects.filter(user=member).delete)()
    await record(job.pk, 1, [stepped(2, 2)], run_folder=SERIES)
    assert (await run.receive_raw()) == {"type": "websocket.close", "code": 4404}
    await database_sync_to_async(lifecycle.request_cancel)(actor=owner, job=job)
    assert await queue.hears_nothing()
    await queue.leave()


async def test_a_closed_account_hears_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.core.live.RECHECK_SECONDS", 0.0)
    job = await database_sync_to_async(make_job)()
    owner = await database_sync_to_async(lambda: job.owner)()
    queue = Client("/ws/queue/", owner)
    await queue.connect()
    await queue.until_live()
    await database_sync_to_async(User.objects.filter(pk=owner.pk).update)(is_active=False)
    await database_sync_to_async(lifecycle.request_cancel)(actor=owner, job=job)
    assert (await queue.receive_raw()) == {"type": "websocket.close", "code": 4404}


async def test_signing_out_closes_the_lines_of_its_session_and_no_others() -> None:
    job = await database_sync_to_async(make_job)()
    owner = await database_sync_to_async(lambda: job.owner)()
    here, elsewhere = await database_sync_to_async(lambda: (signed_in(owner), signed_in(owner)))()
    lines = [
        Client(address, owner, session_key=browser.session.session_key)
        for browser in (here, elsewhere)
        for address in ("/ws/queue/", f"/ws/jobs/{job.pk}/")
    ]
    for line in lines:
        await line.connect()
        await line.until_live()
    await database_sync_to_async(here.post)(reverse("account_logout"))
    for line in lines[:2]:
        assert await line.receive_raw() == {"type": "websocket.close", "code": 4401}
    for line in lines[2:]:
        assert await line.hears_nothing()
        await line.leave()


async def test_a_session_that_ended_unnoticed_asks_the_page_to_connect_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.core.live.RECHECK_SECONDS", 0.0)
    monkeypatch.setattr("hub.core.live.LOOK_SECONDS", 0.05)
    owner = await database_sync_to_async(UserFactory)()
    browser = await database_sync_to_async(signed_in)(owner)
    queue = Client("/ws/queue/", owner, session_key=browser.session.session_key)
    await queue.connect()
    await queue.until_live()
    await database_sync_to_async(browser.session.delete)()
    assert await queue.receive_raw() == {"type": "websocket.close", "code": 1013}


@pytest.mark.parametrize("loss", ["membership", "account"])
async def test_what_is_taken_from_a_person_closes_open_pages_at_once(loss: str) -> None:
    job = await database_sync_to_async(make_job)()
    member = await database_sync_to_async(UserFactory)()
    owner, team = await database_sync_to_async(lambda: (job.owner, job.team))()
    await database_sync_to_async(Membership.objects.create)(team=team, user=member)
    run = Client(f"/ws/jobs/{job.pk}/", member)
    await run.connect()
    await run.until_live()
    if loss == "membership":
        await database_sync_to_async(remove_member)(actor=owner, team=team, user=member)
    else:
        await database_sync_to_async(close_account_in_the_administration)(member)
    assert await run.receive_raw() == {"type": "websocket.close", "code": 4404}


def signed_in(person: User) -> Browser:
    """A browser in a session of its own."""
    browser = Browser()
    browser.force_login(person)
    return browser


def close_account_in_the_administration(person: User) -> None:
    """As an administrator does it, on the page of the account."""
    browser = signed_in(UserFactory(is_superuser=True, is_staff=True))
    address = reverse("admin:accounts_user_change", args=[person.pk])
    shown = browser.get(address).context["adminform"].form
    kept = {name: value for name, value in shown.initial.items() if isinstance(value, str)}
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    answer = browser.post(address, {**kept, **joined})
    assert answer.status_code == HTTPStatus.FOUND


def lose_message(job: Job) -> None:
    """Write an event whose message never reaches the layer."""
    current = Job.objects.get(pk=job.pk)
    last = JobEvent.objects.filter(job=job).latest("sequence")
    data = {**last.data, "step": 2}
    JobEvent.objects.create(
        job=job, sequence=last.sequence + 1, kind=EventKind.STEPPED, at=last.at, data=data
    )
    Job.objects.filter(pk=job.pk).update(last_sequence=current.last_sequence + 1)


@pytest.mark.parametrize("who", ["nobody", "stranger"])
async def test_others_are_turned_away_with_a_code(who: str) -> None:
    job, _ = await make()
    user = AnonymousUser() if who == "nobody" else await database_sync_to_async(UserFactory)()
    client = Client(f"/ws/jobs/{job.pk}/", user)
    await client.connect()
    closing = await client.receive_raw()
    assert closing["type"] == "websocket.close"
    assert closing["code"] == (4401 if who == "nobody" else 4404)


async def test_the_queue_page_hears_of_its_own_team_only() -> None:
    job = await database_sync_to_async(make_job)()
    owner = await database_sync_to_async(lambda: job.owner)()
    stranger = await database_sync_to_async(UserFactory)()
    own, other = Client("/ws/queue/", owner), Client("/ws/queue/", stranger)
    for client in (own, other):
        await client.connect()
        assert (await client.receive())["kind"] == "live"
    await database_sync_to_async(lifecycle.request_cancel)(actor=owner, job=job)
    heard = await own.receive()
    assert heard["job"] == {
        "id": str(job.pk),
        "number": job.number,
        "state": "canceled",
        "team": job.team_id,
    }
    assert await other.hears_nothing()
    await own.leave()
    await other.leave()
