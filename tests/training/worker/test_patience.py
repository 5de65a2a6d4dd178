"""A database that is away: what a worker writes waits for it."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from training.jobs.services.transitions import LeaseLost
from training.worker import patience
from training.worker.patience import Patience


class Away:
    """A write that the database takes only after some tries."""

    def __init__(self, tries: int) -> None:
        self.left = tries
        self.taken: list[str] = []

    def __call__(self, what: str) -> str:
        if self.left:
            self.left -= 1
            raise OperationalError("the database system is starting up")
        self.taken.append(what)
        return what


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.001)


@pytest.mark.django_db(transaction=True)
def test_a_write_is_repeated_until_it_is_taken_once() -> None:
    write = Away(tries=5)
    patient = Patience(lost=threading.Event(), stopping=threading.Event())
    assert patient.write(write, "a step") == "a step"
    assert write.taken == ["a step"]


@pytest.mark.django_db(transaction=True)
def test_an_attempt_that_lost_its_job_waits_no_longer() -> None:
    lost = threading.Event()
    lost.set()
    with pytest.raises(LeaseLost):
        Patience(lost=lost, stopping=threading.Event()).write(Away(tries=1), "a step")


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_leaves_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LEAVING_SECONDS", 0.01)
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(OperationalError):
        Patience(lost=threading.Event(), stopping=stopping).write(Away(tries=10_000), "a step")


@pytest.mark.django_db(transaction=True)
def test_other_errors_are_not_waited_for() -> None:
    def broken() -> None:
        raise ValueError("no step")

    with pytest.raises(ValueError, match="no step"):
        Patience(lost=threading.Event(), stopping=threading.Event()).write(broken)
