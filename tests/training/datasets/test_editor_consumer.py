"""Several people in one tag editor, over a real channel layer."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser

from hub.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.training import fill, make_dataset
from tests.factories.websocket_client import Client
from training.datasets.models.dataset import Dataset
from training.datasets.queries import items_of
from training.datasets.services import broadcast
from training.datasets.services.items import remove_items, set_repeats
from training.datasets.services.tags import add_tag, undo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_layer")]


@database_sync_to_async
def filled() -> tuple[Dataset, User, list[UUID]]:
    dataset = make_dataset(owner=UserFactory(username="linmo"))
    fill(dataset, 2)
    return dataset, dataset.owner, [item.pk for item in items_of(dataset)]


async def at(dataset: Dataset, user: Any) -> Client:
    client = Client(f"/ws/datasets/{dataset.pk}/", user)
    await client.connect()
    return client


async def test_each_hears_where_the_others_are_and_when_they_go() -> None:
    dataset, owner, (first, _second) = await filled()
    here = await at(dataset, owner)
    await here.send({"at": str(first)})
    there = await at(dataset, owner)  # who comes asks those who are here
    told = await there.receive()
    assert (told["kind"], told["who"], told["at"]) == ("present", "linmo", str(first))
    assert await here.hears_nothing()  # nobody hears of oneself
    await here.leave()
    while (message := await there.receive()) == told:
        pass  # the place may be told twice: once by itself, once in answer
    assert message == {"kind": "left", "key": told["key"]}
    await there.leave()


async def test_what_one_changes_is_told_to_the_other() -> None:
    dataset, owner, ids = await filled()
    other = await at(dataset, owner)

    def change() -> None:
        items = list(items_of(dataset))
        add_tag(actor=owner, items=items[:1], tags=["night"])
        undo(actor=owner, dataset=dataset)
        set_repeats(actor=owner, items=items, repeats=3)
        remove_items(actor=owner, items=items[1:])

    await database_sync_to_async(change)()
    told = [(await other.receive())["items"] for _step in range(4)]
    first, second = (str(item) for item in ids)
    assert told == [[first], [first], [first, second], [second]]
    await other.leave()


async def test_of_very_many_changes_it_is_only_told_that_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broadcast, "NAMED_AT_MOST", 1)
    dataset, owner, _ids = await filled()
    other = await at(dataset, owner)
    change = database_sync_to_async(
        lambda: add_tag(actor=owner, items=list(items_of(dataset)), tags=["night"])
    )
    await change()
    assert await other.receive() == {"kind": "changed", "items": None}
    await other.leave()


@pytest.mark.parametrize("message", [{}, {"at": 3}, {"at": "x"}, [], "at", {"at": "a" * 300}])
async def test_what_makes_no_sense_is_left_out(message: Any) -> None:
    dataset, owner, _ids = await filled()
    sender, other = await at(dataset, owner), await at(dataset, owner)
    await sender.send(message)
    assert await other.hears_nothing()
    await sender.leave()
    await other.leave()


async def test_who_may_see_the_dataset_no_more_hears_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.core.live.RECHECK_SECONDS", 0.0)
    dataset, owner, (first, _second) = await filled()
    public = Dataset.objects.filter(pk=dataset.pk)
    await database_sync_to_async(public.update)(visibility="public")
    stranger = await at(dataset, await database_sync_to_async(UserFactory)())
    here = await at(dataset, owner)
    await here.send({"at": str(first)})
    assert (await stranger.receive())["kind"] == "present"
    await database_sync_to_async(public.update)(visibility="private")
    await database_sync_to_async(set_repeats)(
        actor=owner, items=[await database_sync_to_async(items_of(dataset).first)()], repeats=3
    )
    assert (await stranger.receive_raw()) == {"type": "websocket.close", "code": 4404}
    await here.leave()


async def test_only_those_who_see_the_dataset_hear_of_it() -> None:
    dataset, owner, _ids = await filled()
    for user, code in (
        (AnonymousUser(), 4401),
        (await database_sync_to_async(UserFactory)(), 4404),
    ):
        refused = await at(dataset, user)
        assert (await refused.receive_raw())["code"] == code
    unknown = Client(f"/ws/datasets/{uuid4()}/", owner)
    await unknown.connect()
    assert (await unknown.receive_raw())["code"] == 4404
