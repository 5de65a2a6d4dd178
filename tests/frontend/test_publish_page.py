"""The publish page: what it shows live, what it keeps, and what it says is missing."""

import re
from pathlib import Path

import pytest
from django.test import Client

from hub.accounts.drafts import draft_of
from models_registry.models.model import Model
from tests.factories.accounts import make_team
from tests.factories.runs import finished_run
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.job import Job
from training.jobs.queries import artifacts_of
from training.jobs.services.publish import publish_job

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return finished_run(tmp_path, name="yuki v1", preset="")


@pytest.fixture
def client(client: Client, job: Job) -> Client:
    client.force_login(job.owner)
    return client


def checkpoints(job: Job) -> list[JobArtifact]:
    return list(artifacts_of(job, ArtifactKind.CHECKPOINT))


def typed(job: Job, **changes: object) -> dict[str, object]:
    """The form as the browser sends it: the last checkpoint, its first sample as cover."""
    sample = job.artifacts.filter(kind=ArtifactKind.SAMPLE, epoch=2).order_by("prompt_index")[0]
    return {
        "checkpoint": checkpoints(job)[-1].pk,
        "cover": [sample.pk],
        "name": "Yuki",
        "trigger_words": "yuki_ns，red ribbon",
        "weight": "0.8",
        "description": "In snow.",
        "visibility": "team",
        **changes,
    }


def address(job: Job, then: str = "") -> str:
    return f"/runs/{job.number}/publish/{then}"


def test_the_card_follows_what_is_typed_and_the_draft_is_kept(client: Client, job: Job) -> None:
    part = client.post(address(job, "preview/"), typed(job), **HTMX).content.decode()
    assert "<html" not in part
    assert "Draft saved" in part
    assert re.search(r"<h3>Yuki</h3>", part)
    assert "yuki_ns" in part
    assert "<b>0.8</b>" in part
    assert "Still missing" not in part

    page = client.get(address(job)).content.decode()
    assert "Your draft is back." in page
    assert 'value="yuki_ns，red ribbon"' in page
    assert page.count('name="cover"') == 2
    assert len(re.findall(r'name="cover"[^>]* checked', page)) == 1
    client.post(address(job, "start-over/"))
    page = client.get(address(job)).content.decode()
    assert "Your draft is back." not in page
    assert len(re.findall(r'name="cover"[^>]* checked', page)) == 2


def test_a_lora_with_convolutions_is_explained(client: Client, job: Job) -> None:
    told = "which is called LoCon"
    assert told not in client.get(address(job)).content.decode()
    job.config = {**job.config, "network": {"dim": 8, "alpha": 8, "conv_dim": 4, "conv_alpha": 4}}
    job.save(update_fields=["config"])
    assert told in client.get(address(job)).content.decode()


def test_what_is_missing_leads_to_its_field(client: Client, job: Job) -> None:
    bare = typed(job, name=" ", cover=[], trigger_words="", description="", weight="much")
    part = client.post(address(job, "preview/"), bare, **HTMX).content.decode()
    found = re.findall(r'<li><a class="link" href="(#\w+)">', part)
    assert found == ["#id_name", "#covers", "#id_trigger_words", "#id_description"]
    page = client.get(address(job)).content.decode()
    assert all(f'id="{anchor[1:]}"' in page for anchor in found)


def test_another_checkpoint_brings_its_samples_and_keeps_the_words(
    client: Client, job: Job
) -> None:
    client.post(address(job, "preview/"), typed(job), **HTMX)
    first = checkpoints(job)[0]
    page = client.get(address(job), {"checkpoint": first.pk}).content.decode()
    assert 'value="Yuki"' in page
    assert f'name="checkpoint" value="{first.pk}"' in page
    assert len(re.findall(r'name="cover"[^>]* checked', page)) == 2
    assert first.blob.sha256 in page


def test_publishing_ends_the_draft_and_the_page_says_what_is_published(
    client: Client, job: Job
) -> None:
    client.post(address(job, "preview/"), typed(job), **HTMX)
    answer = client.post(address(job), typed(job))
    model = Model.objects.get(name="Yuki")
    assert answer.headers["Location"].startswith(f"/models/{model.slug}/")
    assert model.versions.get().covers.count() == 1
    assert draft_of(job.owner, f"publish:{job.pk}") is None
    page = client.get(address(job)).content.decode()
    assert "This checkpoint is published already:" in page
    other = client.get(address(job), {"checkpoint": checkpoints(job)[0].pk}).content.decode()
    assert "This checkpoint is published already:" not in other


def test_a_refused_form_comes_back_with_the_covers_that_were_chosen(
    client: Client, job: Job
) -> None:
    answer = client.post(address(job), typed(job, name=""))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert len(re.findall(r'name="cover"[^>]* checked', page)) == 1
    assert "Give it a name." in page


def test_a_draft_is_its_writers_own(client: Client, job: Job) -> None:
    client.post(address(job, "preview/"), typed(job), **HTMX)
    manager = make_team().created_by
    assert draft_of(manager, f"publish:{job.pk}") is None
    client.force_login(manager)
    assert client.post(address(job, "preview/"), typed(job), **HTMX).status_code == 404


def test_the_examples_on_the_model_page_have_the_settings_of_their_pictures(
    client: Client, job: Job
) -> None:
    version = publish_job(
        actor=job.owner, job=job, artifact=checkpoints(job)[-1], name="Yuki", description="In snow."
    )
    first, second = version.example_prompts.order_by("position")
    rest = "Negative prompt: blurry\nSteps: 20, CFG scale: 2.5, Seed: 0, Model: tiny"
    for example, prompt in ((first, "a yuki in snow <lora:yuki:1>"), (second, "a cat")):
        example.cover.generation_text = f"{prompt}\n{rest}"
        example.cover.save()
    page = client.get(f"/models/{version.model.slug}/").content.decode()
    assert page.count("Steps: 20, CFG scale: 2.5, Seed: 0") == 2  # seen, and in the text to copy
    assert f"a yuki in snow &lt;lora:yuki:1&gt;\n{rest}" in page
