"""Moving runs in the queue: by those who may, among the runs of one person, never past others."""

import re

import pytest
from django.test import Client

from hub.accounts import services as accounts
from hub.accounts.models import Role, Team, User
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from hub.core.models import AuditEvent
from tests.factories.accounts import UserFactory, make_team
from tests.factories.training import fill, make_base, make_dataset, make_job, make_worker
from training.datasets.models.dataset import Dataset
from training.jobs.models.job import Job, State
from training.jobs.services import schedule

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def team() -> Team:
    return make_team(owner=UserFactory(username="boss"))


@pytest.fixture
def boss(team: Team) -> User:
    return User.objects.get(username="boss")


@pytest.fixture
def mate(team: Team, boss: User) -> User:
    person = UserFactory(username="mate")
    accounts.add_member(actor=boss, team=team, user=person, role=Role.MEMBER)
    return person


@pytest.fixture
def dataset(team: Team, boss: User) -> Dataset:
    found = make_dataset(owner=boss, team=team)
    fill(found)
    return found


def line_of(dataset: Dataset, owner: User, count: int = 3) -> list[Job]:
    base = make_base()
    return [
        make_job(owner=owner, team=dataset.team, dataset=dataset, base=base, name=f"run {number}")
        for number in range(count)
    ]


def order(owner: User) -> list[str]:
    waiting = Job.objects.waiting().filter(owner=owner)
    return list(waiting.order_by("-priority", "queued_at", "id").values_list("name", flat=True))


def test_a_run_goes_before_another_and_behind_all(dataset: Dataset, mate: User) -> None:
    first, _second, third = line_of(dataset, mate)
    schedule.move_in_line(actor=mate, job=third, before=first)
    assert order(mate) == ["run 2", "run 0", "run 1"]
    schedule.move_in_line(actor=mate, job=third, before=None)
    assert order(mate) == ["run 0", "run 1", "run 2"]
    assert AuditEvent.objects.filter(action="job.move", actor=mate).count() == 2


def test_moving_about_never_lifts_a_run_above_what_was_the_highest(
    dataset: Dataset, mate: User
) -> None:
    jobs = line_of(dataset, mate)
    for turn in range(12):
        schedule.move_in_line(actor=mate, job=jobs[turn % 3], before=jobs[(turn + 1) % 3])
        priorities = Job.objects.filter(owner=mate).values_list("priority", flat=True)
        assert max(priorities) == 0
        assert min(priorities) >= -2


def test_the_worker_takes_the_run_that_was_moved_to_the_front(dataset: Dataset, mate: User) -> None:
    first, _second, third = line_of(dataset, mate)
    schedule.move_in_line(actor=mate, job=third, before=first)
    assert schedule.claim_next(worker=make_worker()) == third


def test_a_run_does_not_move_among_those_of_somebody_else(
    dataset: Dataset, boss: User, mate: User
) -> None:
    [mine] = line_of(dataset, mate, 1)
    [other] = line_of(dataset, boss, 1)
    with pytest.raises(Invalid, match="fair share"):
        schedule.move_in_line(actor=boss, job=mine, before=other)


def test_only_the_owner_and_managers_move_a_run(dataset: Dataset, boss: User, mate: User) -> None:
    first, second = line_of(dataset, boss, 2)
    with pytest.raises(NotAllowed):
        schedule.move_in_line(actor=mate, job=second, before=first)
    with pytest.raises(NotFound):
        schedule.move_in_line(actor=UserFactory(), job=second, before=first)
    theirs = line_of(dataset, mate, 2)
    schedule.move_in_line(actor=boss, job=theirs[1], before=theirs[0])
    assert order(mate) == ["run 1", "run 0"]


def test_what_has_started_stays_where_it_is(dataset: Dataset, mate: User) -> None:
    first, second, third = line_of(dataset, mate)
    Job.objects.filter(pk=first.pk).update(state=State.PAUSED)
    for job, before in ((first, second), (third, first)):
        with pytest.raises(Conflict):
            schedule.move_in_line(actor=mate, job=job, before=before)


def names_on(page: str) -> list[str]:
    return re.findall(r'id="q-\d+"[^>]*>(run \d)<', page)


def test_the_buttons_of_the_page_move_a_run_and_answer_with_the_board(
    client: Client, dataset: Dataset, mate: User
) -> None:
    make_worker()
    jobs = line_of(dataset, mate)
    client.force_login(mate)
    page = client.get("/queue/").content.decode()
    assert names_on(page) == ["run 0", "run 1", "run 2"]
    assert page.count("data-up") == page.count("data-down") == 2
    assert 'name="priority"' not in page  # a member gives none
    moved = client.post(
        f"/queue/{jobs[2].number}/move/", {"before": jobs[0].number}, headers=HTMX
    ).content.decode()
    assert "<html" not in moved
    assert names_on(moved) == ["run 2", "run 0", "run 1"]


def test_a_manager_gives_a_priority_and_a_member_cannot(
    client: Client, dataset: Dataset, boss: User, mate: User
) -> None:
    jobs = line_of(dataset, mate)
    address = f"/queue/{jobs[2].number}/priority/"
    client.force_login(mate)
    refused = client.post(address, {"priority": "high"}, headers={"HX-Request": "true"})
    assert (refused.status_code, refused.content.decode()) == (
        403,
        "Only managers of the team can move a run forward.",
    )
    assert "<html" in client.post(address, {"priority": "high"}).content.decode()
    client.force_login(boss)
    page = client.get("/queue/").content.decode()
    assert 'name="priority"' in page
    client.post(address, {"priority": "high"})
    assert order(mate) == ["run 2", "run 0", "run 1"]
    client.post(address, {"priority": "urgent"})
    assert Job.objects.get(pk=jobs[2].pk).priority == 10


def test_runs_of_others_cannot_be_taken_hold_of(
    client: Client, dataset: Dataset, boss: User, mate: User
) -> None:
    line_of(dataset, boss, 2)
    client.force_login(mate)
    page = client.get("/queue/").content.decode()
    assert names_on(page) == ["run 0", "run 1"]
    assert "draggable" not in page
    assert "data-up" not in page


def test_a_number_that_is_none_moves_nothing(client: Client, dataset: Dataset, mate: User) -> None:
    jobs = line_of(dataset, mate, 2)
    client.force_login(mate)
    for wrong in ("x", "-1", "9" * 30, "999999"):
        answer = client.post(f"/queue/{jobs[1].number}/move/", {"before": wrong}, follow=True)
        assert answer.status_code == 200
        assert order(mate) == ["run 0", "run 1"]
