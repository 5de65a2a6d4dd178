"""Viewers of a team: they see and download what it has, and change nothing."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from hub.accounts import queries, services
from hub.accounts.models import Membership, Role, Team, User
from hub.core.errors import NotAllowed
from models_registry.models.version import ModelVersion
from models_registry.permissions import (
    can_add_version,
    can_edit_version,
    can_read_history,
    can_skip_early_access,
)
from models_registry.services.collections import create_collection
from models_registry.services.drafts import create_model
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import make_model, make_version, publish_model
from tests.factories.training import make_dataset
from training.datasets.permissions import can_edit_dataset, can_see_dataset
from training.datasets.services.importing import create_dataset
from training.jobs.models.job import Job
from training.jobs.permissions import can_control_job, can_see_job
from training.jobs.services.lifecycle import require_membership

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def viewer(team: Team) -> User:
    person = UserFactory()
    services.add_member(actor=team.created_by, team=team, user=person, role=Role.VIEWER)
    return person


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_invite_makes_a_viewer_and_a_manager_makes_a_member_of_them(team: Team) -> None:
    manager, person = UserFactory(), UserFactory()
    services.add_member(actor=team.created_by, team=team, user=manager, role=Role.MANAGER)
    address = reverse("team_invite", args=[team.slug])
    client = client_of(manager)
    client.post(address, {"role": "viewer"})
    link = client.session["invite_link"]
    client_of(person).post(link.removeprefix("http://testserver"))
    member = Membership.objects.get(user=person)
    assert member.role == Role.VIEWER
    assert not queries.works_in(person, team)
    assert queries.is_member(person, team)
    assert [(found.slug, found.role) for found in queries.teams_of(person)] == [
        (team.slug, "viewer")
    ]
    address = reverse("team_role", args=[team.slug, person.pk])
    client.post(address, {"role": "member"})
    assert queries.works_in(person, team)
    assert list(queries.teams_worked_in(person)) == [team]
    client.post(address, {"role": "viewer"})
    assert list(queries.teams_worked_in(person)) == []
    assert queries.members_of(team).last().user == person


def test_what_the_team_has_is_seen_and_not_changed(team: Team, viewer: User) -> None:
    owner = team.created_by
    shared = publish_model(owner=owner, team=team, visibility="team")
    draft = make_version(make_model(owner=owner, team=team))
    dataset = make_dataset(owner=owner, team=team)
    assert set(ModelVersion.objects.visible_to(viewer)) == {shared, draft}
    assert can_read_history(viewer, shared.model)
    assert can_skip_early_access(viewer, shared)
    assert not can_add_version(viewer, shared.model)
    assert not can_edit_version(viewer, draft)
    assert can_see_dataset(viewer, dataset)
    assert not can_edit_dataset(viewer, dataset)
    run = Job(team=team, owner=owner)
    assert can_see_job(viewer, run)
    assert not can_control_job(viewer, run)


def test_nothing_is_put_into_the_team_by_a_viewer(team: Team, viewer: User) -> None:
    with pytest.raises(NotAllowed):
        create_model(actor=viewer, team=team, name="Mine", type="LORA")
    with pytest.raises(NotAllowed):
        create_collection(actor=viewer, name="Mine", visibility="team", team=team)
    with pytest.raises(NotAllowed):
        create_dataset(actor=viewer, team=team, name="Mine")
    with pytest.raises(NotAllowed):
        require_membership(viewer, team)


def test_pages_that_make_something_name_who_can_let_a_viewer_in(team: Team, viewer: User) -> None:
    client = client_of(viewer)
    for name in ("dataset_new", "train"):
        page = client.get(reverse(name))
        assert page.status_code == 403, name
        assert team.created_by.public_name in page.content.decode()
    page = client.get(reverse("datasets")).content.decode()
    assert reverse("dataset_new") not in page.split('id="main"')[1]
    assert client.get(reverse("upload_model")).status_code == 200
    answer = client.get("/api/v2/teams/").json()["items"]
    assert [(row["slug"], row["role"]) for row in answer] == [(team.slug, "viewer")]
    refused = client.post(
        "/api/v2/models/",
        {"name": "Mine", "type": "LORA", "team": team.slug},
        content_type="application/json",
    )
    assert refused.status_code == 403


def test_names_in_any_case_are_found_by_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for lookup in ("istartswith", "iexact"):
            plan = User.objects.filter(**{f"username__{lookup}": "lin"}).explain()
            assert "user_by_name_in_any_case" in plan
