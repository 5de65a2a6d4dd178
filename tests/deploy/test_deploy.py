"""What deploy/ says agrees with the code: parts, addresses, folders, variables, the query."""

import re
from pathlib import Path

import pytest
import yaml
from django.db import connection

from hub.embedded.config import PROJECT_DIR
from hub.embedded.parts import CPU_STOP_SECONDS, GPU_STOP_SECONDS
from hub.embedded.run_part import PARTS
from hub.storage.tus import PREFIX
from tests.factories.training import make_job
from training.jobs.models.job import Job, State

DEPLOY = PROJECT_DIR / "deploy"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
CHART = DEPLOY / "helm" / "atelier"


def services(name: str = "compose.yaml") -> dict[str, dict]:
    return yaml.safe_load((DEPLOY / name).read_text("utf-8"))["services"]


def stage(name: str) -> str:
    """The lines of one stage of the Dockerfile and of those that it starts from."""
    match = re.search(rf"^FROM (\S+) AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.M | re.S)
    if match is None:
        return ""
    copied = re.findall(r"--from=(\S+)", match[2])
    return match[2] + "".join(stage(other) for other in (match[1], *copied))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_a_team_gets_every_part_and_each_runs_a_command_that_exists() -> None:
    ours = {name: part for name, part in services().items() if "command" in part}

    assert set(PARTS) <= set(ours)
    for name in PARTS:
        assert ours[name]["command"] == [name]


def test_the_web_image_has_no_torch_and_the_worker_image_has() -> None:
    assert "requirements/base.txt" in stage("web")
    assert "train.txt" not in stage("web")
    assert "requirements/train.txt" in stage("worker")


def test_the_images_hold_all_packages_and_no_secrets() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    packages = {path.parent.name for path in PROJECT_DIR.glob("*/__init__.py")} - {"tests"}

    assert lines[0] == "*"
    assert {f"!{name}" for name in packages} <= set(lines)


def test_processes_get_longer_to_end_than_they_ask_for() -> None:
    assert seconds(services()["cpu"]["stop_grace_period"]) > CPU_STOP_SECONDS
    assert seconds(services()["gpu"]["stop_grace_period"]) > GPU_STOP_SECONDS
    workers = (CHART / "templates" / "workers.yaml").read_text("utf-8")
    graces = dict(re.findall(r'"part" "(\w+)".*"grace" (\d+)', workers))
    assert int(graces["cpu"]) > CPU_STOP_SECONDS
    assert int(graces["gpu"]) > GPU_STOP_SECONDS


def test_nginx_finds_what_the_hub_names() -> None:
    locations = (DEPLOY / "nginx" / "locations.conf").read_text("utf-8")
    home = re.search(r"ATELIER_HOME=(\S+)", DOCKERFILE)[1]
    prefix = services()["web"]["environment"]["ATELIER_STORAGE_INTERNAL_PREFIX"]

    assert f"location {PREFIX} {{" in locations
    assert f"location {prefix}/ {{\n    internal;\n    alias {home}/storage/;" in locations


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_every_variable_of_a_compose_file_is_explained(path: Path) -> None:
    named = set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", path.read_text("utf-8")))
    images = {"ATELIER_WEB_IMAGE", "ATELIER_WORKER_IMAGE"}
    example = (DEPLOY / "env.example").read_text("utf-8")

    missing = {name for name in named - images if not re.search(rf"^#?{name}=", example, re.M)}
    assert missing == set()


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_every_file_that_a_container_gets_is_there(path: Path) -> None:
    mounts = re.findall(r"- (\./[^:]+):", path.read_text("utf-8"))

    assert [name for name in mounts if not (DEPLOY / name).exists()] == []


@pytest.mark.django_db
def test_the_chart_counts_the_jobs_that_need_a_worker() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    _waiting, paused = make_job(), make_job()
    Job.objects.filter(pk=paused.pk).update(state=State.PAUSED)

    with connection.cursor() as cursor:
        cursor.execute(values["gpu"]["scaling"]["query"])
        assert cursor.fetchone() == (1,)
