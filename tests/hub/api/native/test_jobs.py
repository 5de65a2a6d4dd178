"""`/jobs/`, `/artifacts/`, `/presets/` of v2."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model
from tests.factories.runs import finished_run
from tests.factories.training import (
    SERIES,
    claimed_job,
    fill,
    make_base,
    make_dataset,
    make_job,
    started,
    stepped,
)
from training.jobs.models.job import Job, State
from training.jobs.services.events import record_events

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready():
    """A person with a team, a filled dataset and a base: everything that a run needs."""
    person = UserFactory()
    dataset = make_dataset(owner=person, team=make_team(owner=person))
    fill(dataset)
    base = make_base()
    return person, {
        "team": dataset.team.slug,
        "name": "yuki ns",
        "dataset": dataset.slug,
        "base_version_id": base.pk,
        "config": {"resolution": 128, "max_steps": 20},
    }


def test_a_run_is_put_in_line_with_the_settings_that_were_sent(api_of, ready):
    person, body = ready
    job = api_of(person).post("jobs/", body)
    assert (job["state"], job["method"], job["name"]) == ("queued", "lora", "yuki ns")
    assert (job["config"]["max_steps"], job["config"]["resolution"]) == (20, 128)
    assert Job.objects.get().number == job["number"]


def test_a_presets_settings_are_taken_and_single_ones_can_be_changed(api_of, ready):
    person, body = ready
    sent = body | {"preset": "tiny-lora-style", "config": {"sampling": {"steps": 7}}}
    config = api_of(person).post("jobs/", sent)["config"]
    assert config["sampling"]["steps"] == 7
    assert config["sampling"]["sampler"] == "DPM++ 2M"
    assert (config["resolution"], config["batch_size"]) == (128, 8)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"preset": "nothing"}, "preset_unknown"),
        ({"preset": "tiny-lora-style", "method": "hypernetwork"}, "preset_unfit"),
        ({"config": {"resolution": 7}}, "config_invalid"),
        ({"config": {"no_such_setting": 1}}, "config_invalid"),
        ({"name": " "}, "invalid"),
        ({"base_version_id": -1}, "invalid"),
    ],
)
def test_a_run_that_cannot_be_is_refused_and_nothing_is_saved(api_of, ready, change, code):
    person, body = ready
    assert api_of(person).post("jobs/", body | change, status=400)["code"] == code
    assert not Job.objects.exists()


def test_what_the_person_cannot_see_cannot_be_trained_on(api_of, ready):
    person, body = ready
    hidden = make_dataset(name="Hidden")
    api = api_of(person)
    api.post("jobs/", body | {"dataset": hidden.slug}, status=404)
    api.post("jobs/", body | {"base_version_id": 999_999}, status=404)
    api.post("jobs/", body | {"team": hidden.team.slug}, status=404)
    lora = publish_model(name="Lora", seed=9)
    refused = api.post("jobs/", body | {"base_version_id": lora.pk}, status=400)
    assert "checkpoint" in refused["error"]


def test_runs_are_seen_by_their_team_only_by_id_and_by_number(api_of):
    job = make_job()
    mine, stranger = api_of(job.owner), api_of(UserFactory())
    assert mine.get(f"jobs/{job.number}/")["id"] == mine.get(f"jobs/{job.pk}/")["id"]
    assert [row["number"] for row in mine.get("jobs/")["items"]] == [job.number]
    assert mine.get("jobs/", state="running")["items"] == []
    assert stranger.get("jobs/")["items"] == []
    for path in (f"jobs/{job.number}/", f"jobs/{job.pk}/", f"jobs/{job.number}/events/"):
        stranger.get(path, status=404)
    stranger.post(f"jobs/{job.number}/cancel/", status=404)
    mine.get("jobs/not-a-run/", status=404)


def test_stop_and_cancel_ask_the_run_and_refuse_what_makes_no_sense(api_of):
    job, _worker = claimed_job()
    api = api_of(job.owner)
    assert api.post(f"jobs/{job.number}/stop/", status=200)["requested_command"] == "stop"
    assert api.post(f"jobs/{job.number}/cancel/", status=200)["state"] == "canceling"
    assert api.post(f"jobs/{job.number}/pause/", status=409)["code"] == "conflict"
    assert api.post(f"jobs/{job.number}/resume/", status=409)["code"] == "conflict"


def test_a_team_mate_sees_a_run_but_does_not_end_it(api_of):
    job = make_job()
    mate = UserFactory()
    job.team.members.add(mate)
    api = api_of(mate)
    api.get(f"jobs/{job.number}/")
    assert api.post(f"jobs/{job.number}/cancel/", status=403)["code"] == "not_allowed"
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_messages_come_in_order_after_the_number_that_was_asked_for(api_of):
    job, _worker = claimed_job()
    told = [started(1), *(stepped(number, number * 2) for number in range(2, 6))]
    record_events(job.pk, 1, told, run_folder=SERIES)
    api = api_of(job.owner)
    every = api.get(f"jobs/{job.number}/events/")
    numbers = [row["sequence"] for row in every["items"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert (every["state"], every["is_final"]) == ("running", False)
    rest = api.get(f"jobs/{job.number}/events/", after=numbers[-3], limit=1)
    assert [row["sequence"] for row in rest["items"]] == [numbers[-2]]
    assert rest["last_sequence"] == numbers[-2]
    nothing = api.get(f"jobs/{job.number}/events/", after=numbers[-1])
    assert (nothing["items"], nothing["last_sequence"]) == ([], numbers[-1])
    api.get(f"jobs/{job.number}/events/", after=-1, status=400)


def test_files_of_a_run_are_listed_by_kind_in_pages_and_can_be_fetched(api_of, tmp_path):
    job = finished_run(tmp_path)
    api = api_of(job.owner)
    first = api.get(f"jobs/{job.number}/artifacts/", limit=1)
    rest = api.get(f"jobs/{job.number}/artifacts/", cursor=first["next_cursor"])
    files = [*first["items"], *rest["items"]]
    assert [row["step"] for row in files] == [10, 20]
    assert {row["kind"] for row in files} == {"checkpoint"}
    assert len(api.get(f"jobs/{job.number}/artifacts/", kind="sample")["items"]) == 4
    answer = api.raw(files[1]["download_url"])
    assert b"".join(answer) == (tmp_path / "yuki-20.safetensors").read_bytes()
    assert answer.headers["ETag"] == f'"{files[1]["sha256"]}"'
    stranger = api_of(UserFactory())
    stranger.get(f"jobs/{job.number}/artifacts/", status=404)
    assert stranger.raw(files[1]["download_url"]).status_code == 404


def test_presets_are_narrowed_by_method_family_and_kind(api_of):
    api = api_of(UserFactory())
    every = api.get("presets/")
    styles = api.get("presets/", method="lora", family="tiny", kind="style")
    assert "tiny-lora-style" in {row["id"] for row in styles}
    assert {(row["method"], row["family"]) for row in styles} == {("lora", "tiny")}
    assert len(styles) < len(every)
    api.get("presets/", method="magic", status=400)


def test_the_list_takes_the_same_number_of_queries_however_many_runs_there_are(api_of):
    first = make_job()
    api = api_of(first.owner)
    counts = []
    for more in (0, 3):
        for number in range(more):
            make_job(dataset=first.snapshot.dataset, base=first.base_version, name=f"run {number}")
        api.get("jobs/")
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get("jobs/")["items"]) == more + 1
        counts.append(len(queries))
    assert counts[0] == counts[1]
