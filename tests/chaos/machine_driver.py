"""What a person asks of the machine under test, said to the services from a process of its own.

It has the environment of the machine's own processes: its database, its queue, its store. Each
line that it reads is a command, each line that it writes the answer, as JSON:

    begin         base, dataset and a run in line; its id and number
    again ID      another run like that one
    ready ID      "ready", once the result of the run can be published
    publish ID    publishes the result
    facts ID      what the machine holds
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import close_old_connections  # noqa: E402

from gallery.models import Post  # noqa: E402
from hub.accounts.models import User  # noqa: E402
from hub.accounts.services import create_team  # noqa: E402
from hub.demo.base_model import publish_base, write_checkpoint  # noqa: E402
from hub.storage.backends.base import key_for  # noqa: E402
from hub.storage.blobs import blob_exists  # noqa: E402
from hub.storage.garbage import collect_garbage  # noqa: E402
from hub.storage.models import Blob  # noqa: E402
from models_registry.models.version import ModelVersion  # noqa: E402
from tests.chaos.machine import STEPS  # noqa: E402
from tests.factories.training import make_dataset, picture_bytes  # noqa: E402
from training.datasets.models.dataset import Dataset  # noqa: E402
from training.datasets.services.importing import import_folder  # noqa: E402
from training.jobs.models.artifact import ArtifactKind, JobArtifact  # noqa: E402
from training.jobs.models.job import Job  # noqa: E402
from training.jobs.services.publish import publish_job  # noqa: E402
from training.jobs.services.submit import submit_job  # noqa: E402

NO_GRACE = timedelta(0)
PICTURES = 4
CONFIG = {
    "batch_size": 2,
    "resolution": 64,
    "max_steps": STEPS,
    "save_every_epochs": 25,
    "sample_every_epochs": 50,
    "state_every_seconds": 1,
    "sample_prompts": ["a yuki", "a house"],
    "sampling": {"steps": 2, "guidance": 2.0},
    "network": {"dim": 4},
}


def begin() -> list[Any]:
    """All that a run needs, and the run."""
    person = User.objects.get(username="admin")
    team = create_team(actor=person, name="Chaos")
    with tempfile.TemporaryDirectory(prefix="atelier-test-") as folder:
        checkpoint = write_checkpoint(Path(folder))
        base = publish_base(actor=person, checkpoint=checkpoint, pictures=[])
    dataset = make_dataset(owner=person, team=team, trigger_word="yuki")
    bring_pictures_in(dataset)
    return submit(actor=person, team=team, dataset=dataset, base_version=base)


def bring_pictures_in(dataset: Dataset) -> None:
    """Read them here: an upload would be taken by the machine's own worker, some time later."""
    with tempfile.TemporaryDirectory(prefix="atelier-test-") as name:
        folder = Path(name)
        for number in range(PICTURES):
            (folder / f"{number:02d}.png").write_bytes(picture_bytes(number))
            (folder / f"{number:02d}.txt").write_text("yuki, girl, snow")
        import_folder(actor=dataset.owner, dataset=dataset, folder=folder)


def again(job_id: str) -> list[Any]:
    """The same once more, for a machine that is killed while it trains."""
    job = Job.objects.get(pk=job_id)
    return submit(
        actor=job.owner,
        team=job.team,
        dataset=job.snapshot.dataset,
        base_version=job.base_version,
    )


def submit(**about: Any) -> list[Any]:
    """Id and number of a run in line."""
    job = submit_job(name="chaos", method="lora", config=CONFIG, **about)
    return [str(job.pk), job.number]


def final_file(job_id: str) -> JobArtifact:
    """What the run left."""
    return JobArtifact.objects.select_related("job__owner").get(
        job=job_id, kind=ArtifactKind.CHECKPOINT, is_final=True
    )


def ready(job_id: str) -> str:
    """Have everything loaded that publishing needs."""
    return f"ready for {final_file(job_id).name}"


def publish(job_id: str) -> dict[str, Any]:
    """Publish the final file."""
    final = final_file(job_id)
    version = publish_job(actor=final.job.owner, job=final.job, artifact=final, name="Survivor")
    return {"version": version.pk}


def facts(job_id: str) -> dict[str, Any]:
    """Everything that the test looks at, read when all has come to rest."""
    job = Job.objects.get(pk=job_id)
    events = job.events.order_by("sequence").values_list("sequence", "kind", "data")
    artifacts = job.artifacts.order_by("id")
    versions = ModelVersion.objects.filter(job_uuid=job.pk)
    posts = Post.objects.filter(model_version__in=versions)
    return {
        "job": [job.state, job.finish_reason, job.step, job.attempt, job.error_message],
        "events": list(events),
        "artifacts": list(artifacts.values_list("kind", "name", "step", "is_final")),
        "versions": list(versions.values_list("pk", "status")),
        "posts": [[post.pk, post.images.count()] for post in posts],
        "publications": job.publications.count(),
        "store": look_at_the_store(),
    }


def look_at_the_store() -> dict[str, list[str]]:
    """After the collector, without its grace: files without a row and rows without a file."""
    while collect_garbage(grace=NO_GRACE):
        pass
    root = Path(urlsplit(settings.STORAGE_URL).path)
    kept = {key_for(sha256) for sha256 in Blob.objects.values_list("sha256", flat=True)}
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    lost = [blob.sha256 for blob in Blob.objects.all() if not blob_exists(blob)]
    return {"strays": sorted(found - kept), "lost": lost}


COMMANDS: dict[str, Callable[..., Any]] = {
    "begin": begin, "again": again, "ready": ready, "publish": publish, "facts": facts
}  # fmt: skip


def main() -> None:
    """Answer until the end of the input; connections to a database that was killed are given up."""
    for line in sys.stdin:
        command, *rest = line.split()
        close_old_connections()
        sys.stdout.write(json.dumps(COMMANDS[command](*rest)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
