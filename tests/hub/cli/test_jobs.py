"""`atelier train`, `watch` and `jobs` against a running hub."""

import json

import pytest

from tests.factories.accounts import make_team
from tests.factories.runs import finished_run
from tests.factories.training import (
    SERIES,
    fill,
    make_base,
    make_dataset,
    make_job,
    make_worker,
    picture_bytes,
    started,
    stepped,
)
from training.datasets.models.importing import DatasetImport
from training.datasets.services.importing import import_upload
from training.jobs.models.job import Job, State
from training.jobs.services import lifecycle, schedule
from training.jobs.services.events import record_events

SETTINGS = 'resolution = 128\nmax_steps = 20\n[sampling]\nsteps = 7\n[atelier]\nname = "yuki ns"\n'


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(SETTINGS)
    return path


def running_job(person) -> Job:
    """A run of the person's that a worker holds."""
    dataset = make_dataset(owner=person, team=make_team(owner=person))
    fill(dataset)
    make_job(dataset=dataset)
    job = schedule.claim_next(worker=make_worker())
    assert job is not None
    return job


def messages(ran) -> list[dict]:
    return [json.loads(line) for line in ran.out.splitlines()]


def test_a_toml_file_and_a_dataset_become_a_run(atelier, config):
    dataset = make_dataset(owner=atelier.person, team=make_team(owner=atelier.person))
    fill(dataset)
    base = make_base()
    words = ("--dataset", dataset.slug, "--base", f"version:{base.pk}")
    job = atelier("train", config, *words, "--json").json
    assert (job["name"], job["state"], job["method"]) == ("yuki ns", "queued", "lora")
    assert (job["config"]["max_steps"], job["config"]["sampling"]["steps"]) == (20, 7)


def test_a_folder_of_pictures_becomes_a_dataset_first(atelier, config, tmp_path):
    make_team(owner=atelier.person)
    folder = tmp_path / "4_yuki"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.png").write_bytes(picture_bytes(number, size=(128, 128)))
        (folder / f"{number}.txt").write_text("yuki, snow")
    base = make_base()

    def read_the_upload() -> None:
        batch = DatasetImport.objects.get()
        import_upload(dataset_id=batch.dataset_id, upload_id=batch.upload_id)

    atelier.on_wait = read_the_upload
    job = atelier("train", config, "--dataset", folder, "--base", base.model_id, "--json").json
    snapshot = Job.objects.get(number=job["number"]).snapshot
    assert [image["repeats"] for image in snapshot.manifest["images"]] == [4, 4]
    assert snapshot.manifest["images"][0]["caption"] == "yuki, snow"


def test_wrong_settings_are_refused_in_the_engines_words(atelier, tmp_path):
    dataset = make_dataset(owner=atelier.person, team=make_team(owner=atelier.person))
    fill(dataset)
    base = make_base()
    path = tmp_path / "bad.toml"
    path.write_text("resolution = 7\n")
    words = ("--dataset", dataset.slug, "--base", base.model_id, "--name", "x", "--json")
    refused = atelier("train", path, *words, code=4)
    assert refused.error["code"] == "config_invalid"
    assert "resolution" in refused.error["error"]
    path.write_text("resolution = \n")
    assert "no TOML" in atelier("train", path, *words, code=8).error["error"]
    path.write_text("[atelier]\nteem = 'x'\n")
    assert "teem" in atelier("train", path, *words, code=2).error["error"]


def test_a_finished_run_is_told_from_its_first_message_to_its_last(atelier, tmp_path):
    job = finished_run(tmp_path, owner=atelier.person)
    told = messages(atelier("watch", job.number, "--json"))
    assert [row["sequence"] for row in told] == list(range(1, len(told) + 1))
    assert told[-1]["data"]["state"] == "succeeded"
    assert atelier.waits == []
    rest = messages(atelier("watch", job.number, "--after", told[-3]["sequence"], "--json"))
    assert rest == told[-2:]
    assert "succeeded" in atelier("watch", job.number).out


def test_who_stops_watching_is_told_that_the_run_goes_on(atelier):
    job = running_job(atelier.person)

    def ctrl_c() -> None:
        raise KeyboardInterrupt

    atelier.on_wait = ctrl_c
    assert f"atelier watch {job.number}" in atelier("watch", job.number, code=130).err
    assert atelier("watch", job.number, "--json", code=130).err == ""
    job.refresh_from_db()
    assert job.state == State.RUNNING


def test_a_run_is_followed_over_a_broken_line_without_a_gap_or_a_repeat(cut_line, signed_in):
    atelier = signed_in(cut_line.url)
    job = running_job(atelier.person)
    record_events(job.pk, 1, [started(1), stepped(2, 1)], run_folder=SERIES)
    story = iter(
        [
            lambda: record_events(job.pk, 1, [stepped(3, 2)], run_folder=SERIES),
            lambda: cut_line.cut("down", after=0),
            lambda: record_events(job.pk, 1, [stepped(4, 3)], run_folder=SERIES),
            lambda: lifecycle.finish(job_id=job.pk, attempt=1, reason="completed"),
        ]
    )

    def go_on() -> None:
        next(story)()

    atelier.on_wait = go_on
    told = messages(atelier("watch", job.number, "--json"))
    assert cut_line.cuts == 1
    assert [row["sequence"] for row in told] == list(range(1, len(told) + 1))
    assert [row["data"]["step"] for row in told if row["kind"] == "stepped"] == [1, 2, 3]


def test_a_run_that_failed_or_was_canceled_has_an_exit_code_of_its_own(atelier):
    job = running_job(atelier.person)
    failure = lifecycle.Failure("out_of_memory", "The GPU has too little memory.")
    lifecycle.fail(job_id=job.pk, attempt=1, failure=failure)
    assert atelier("watch", job.number, "--json", code=10).error["code"] == "out_of_memory"
    again = make_job(dataset=job.snapshot.dataset, base=job.base_version)
    assert atelier("jobs", "cancel", again.number, "--json").json["state"] == "canceled"
    assert atelier("watch", again.number, "--json", code=11).error["code"] == "run_canceled"


def test_runs_are_listed_shown_and_steered(atelier):
    job = running_job(atelier.person)
    assert [row["number"] for row in atelier("jobs", "--json").json] == [job.number]
    assert atelier("jobs", "--state", "queued", "--json").json == []
    assert atelier("jobs", "show", job.number, "--json").json["state"] == "running"
    assert atelier("jobs", "stop", job.number, "--json").json["requested_command"] == "stop"
    job.refresh_from_db()
    assert job.requested_command == "stop"
    assert atelier("jobs", "resume", job.number, "--json", code=4).error["code"] == "conflict"
    assert atelier("jobs", "show", 999_999, code=5)
    assert Job.objects.get().state == State.RUNNING


def test_the_files_of_a_run_are_fetched_with_their_hashes_checked(atelier, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    job = finished_run(folder, owner=atelier.person)
    rows = atelier("jobs", "files", job.number, "--to", tmp_path / "out", "--json").json
    assert [row["name"] for row in rows] == ["yuki-10.safetensors", "yuki-20.safetensors"]
    for row in rows:
        assert (tmp_path / "out" / row["name"]).read_bytes() == (folder / row["name"]).read_bytes()
