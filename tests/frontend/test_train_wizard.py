"""The wizard through Django's client: choices bring settings, what was typed is never lost."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from hub.accounts.drafts import draft_of
from hub.accounts.models import FormDraft, User
from models_registry.models.file import ModelFile
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model
from tests.factories.training import TINY, fill, make_base, make_dataset, make_job
from training.datasets.models.dataset import Dataset
from training.engine.config.prompt_lines import Area
from training.engine.config.train import TrainConfig
from training.engine.samples.prompts import HiresFix, StartPicture, prompt_requests
from training.jobs.models.job import Job

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset() -> Dataset:
    found = make_dataset(name="Yuki")
    fill(found)
    make_base()
    return found


@pytest.fixture
def person(dataset: Dataset, client: Client) -> User:
    client.force_login(dataset.owner)
    return dataset.owner


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the wizard as it stands."""
    form = page[page.index('id="train-form"') : page.index("</form>", page.index("train-form"))]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") == "radio" and not re.search(r"\schecked\b", tag):
            continue
        found[attributes.get("name", "")] = attributes.get("value", "")
    prompts = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", form, re.DOTALL)
    found["sample_prompts"] = prompts.group(1) if prompts else ""
    return found


def wizard(client: Client, query: str = "") -> tuple[str, dict[str, str]]:
    page = client.get(f"/train/{query}").content.decode()
    return page, fields_of(page)


def typed(client: Client, **changes: str) -> str:
    _page, fields = wizard(client)
    answer = client.post("/train/plan/", fields | changes, headers=HTMX)
    return answer.content.decode()


def test_the_page_says_for_which_choices_its_settings_are(person: User, client: Client) -> None:
    _page, fields = wizard(client)
    for name in ("dataset", "base", "method", "preset"):
        assert fields[f"shown_{name}"] == fields[name]


def test_a_page_without_a_base_asks_until_there_is_one(client: Client) -> None:
    dataset = make_dataset(name="Yuki")
    fill(dataset)
    client.force_login(dataset.owner)
    page, fields = wizard(client)
    asked = re.search(r'hx-get="([^"]+)" hx-trigger="every 5s"', page)
    assert asked
    assert 'name="preset"' not in page

    make_base()
    page = client.get(html.unescape(asked[1]), headers=HTMX).content.decode()

    assert page.strip().startswith('<div id="choices"')
    assert "every 5s" not in page
    assert 'name="preset"' in page
    assert fields_of(page)["dataset"] == fields["dataset"]
    assert not FormDraft.objects.exists()


def test_nothing_is_kept_for_somebody_who_only_looks(person: User, client: Client) -> None:
    wizard(client)
    assert not FormDraft.objects.exists()


def test_what_was_typed_is_there_after_a_reload(person: User, client: Client) -> None:
    summary = typed(client, epochs="7", name="snow run")
    assert "Changed from the preset" in summary
    page, fields = wizard(client)
    assert (fields["epochs"], fields["name"]) == ("7", "snow run")
    assert "Your draft is back." in page


def test_another_person_of_the_team_has_no_part_in_the_draft(
    person: User, dataset: Dataset, client: Client
) -> None:
    typed(client, epochs="7")
    other = UserFactory()
    dataset.team.memberships.create(user=other, role="member")
    client.force_login(other)
    page, fields = wizard(client)
    assert fields["epochs"] != "7"
    assert "Your draft is back." not in page


def test_another_method_brings_its_settings_and_keeps_what_was_typed(
    person: User, client: Client
) -> None:
    _page, fields = wizard(client)
    sent = fields | {"method": "textual_inversion", "epochs": "7"}
    answer = client.post("/train/choices/", sent, headers=HTMX)
    after = fields_of(answer.content.decode())
    assert after["epochs"] == "7"
    assert after["shown_method"] == "textual_inversion"
    assert "network_dim" not in after
    assert after["learning_rate"] != fields["learning_rate"]
    assert "method=textual_inversion" in answer["HX-Push-Url"]


def test_going_back_to_the_earlier_method_keeps_what_fits(person: User, client: Client) -> None:
    page, fields = wizard(client)
    earlier = html.unescape(page.split('data-address="/train/')[1].split('"')[0])
    sent = fields | {"method": "textual_inversion", "epochs": "7", "network_dim": "12"}
    answer = client.post("/train/choices/", sent, headers=HTMX)
    other = fields_of(answer.content.decode())
    client.post("/train/plan/", other | {"seed": "99", "textual_inversion__vectors": "3"})
    _page, back = wizard(client, earlier)
    assert [back[name] for name in ("method", "epochs", "seed", "network_dim")] == [
        *("lora", "7", "99", "12")
    ]
    assert back["learning_rate"] == fields["learning_rate"]
    _page, forth = wizard(client, answer["HX-Push-Url"].removeprefix("/train/"))
    assert (forth["epochs"], forth["textual_inversion__vectors"]) == ("7", "3")
    again = client.post("/train/choices/", forth | {"method": "lora"}, headers=HTMX)
    assert fields_of(again.content.decode())["network_dim"] == "12"


def test_sample_prompts_with_options_reach_the_run_and_wrong_ones_are_named(
    person: User, dataset: Dataset, client: Client
) -> None:
    _page, fields = wizard(client)
    item = dataset.items.order_by("position").first()
    start = f"a bird --init {item.filename.upper()} --dn 0.6 --mask 25,25,75,75 --s 4"
    wrong = ["# fine", "a fish --init cat.png", "a cat --hr 9", start]
    refused = client.post("/train/", fields | {"sample_prompts": "\n".join(wrong)})
    page = html.unescape(refused.content.decode())
    assert refused.status_code == 422
    assert "Line 2: the dataset has no picture called “cat.png”." in page
    assert "Line 3: --hr is a number from 1 to 4, not “9”." in page
    assert "Line 4" not in page
    lines = ["a cat --hr 1.5 --hd 0.5", start]
    client.post("/train/", fields | {"sample_prompts": "\n".join(lines)})
    job = Job.objects.get()
    config = TrainConfig.parse(job.config)
    manifest = job.snapshot.manifest
    paths = {image["sha256"][:12]: Path(image["path"]) for image in manifest["images"]}
    hires, picture = prompt_requests(config, paths.get)
    assert hires.hires == HiresFix(1.5, 0.5)
    assert picture.start == StartPicture(
        Path(f"images/{item.blob.sha256}.png"), 0.6, Area(25, 25, 75, 75)
    )


def test_names_in_sample_prompts_that_will_act_nowhere_are_said_at_once(
    person: User, client: Client
) -> None:
    version = publish_model(owner=person, base_model=TINY)
    ModelFile.objects.filter(version=version).update(name="inkwash.safetensors")
    prompts = "a cat <lora:inkwash:0.7>\na cat <lora:InkWsh:1>\na cat <hypernet:fog:1>"
    page = html.unescape(typed(client, sample_prompts=prompts))

    assert "<dd>inkwash</dd>" in page
    assert "No LoRA called “InkWsh” fits this base" in page
    assert "There are: inkwash." in page
    assert "No hypernetwork called “fog”" in page
    assert "“inkwash”" not in page


def test_a_changed_setting_is_taken_back_alone(person: User, client: Client) -> None:
    _page, fields = wizard(client)
    sent = fields | {"epochs": "7", "seed": "99", "reset": "epochs"}
    after = fields_of(client.post("/train/choices/", sent, headers=HTMX).content.decode())
    assert (after["epochs"], after["seed"]) == (fields["epochs"], "99")


def test_what_another_preset_says_by_itself_is_no_change_any_more(
    person: User, client: Client
) -> None:
    _page, fields = wizard(client)
    other = fields_of(
        client.post(
            "/train/choices/", fields | {"method": "textual_inversion"}, headers=HTMX
        ).content.decode()
    )
    sent = fields | {"method": "textual_inversion", "learning_rate": other["learning_rate"]}
    page = client.post("/train/choices/", sent, headers=HTMX).content.decode()
    assert fields_of(page)["learning_rate"] == other["learning_rate"]
    assert "Changed from the preset" not in page


def test_a_choice_the_settings_do_not_know_yet_starts_nothing(person: User, client: Client) -> None:
    _page, fields = wizard(client)
    answer = client.post("/train/", fields | {"method": "textual_inversion", "name": "early"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert not Job.objects.exists()
    assert "Your last choice brought other settings." in page
    assert fields_of(page)["name"] == "early"
    again = client.post("/train/", fields_of(page))
    assert again.status_code == 302
    assert Job.objects.get().method == "textual_inversion"


def test_starting_the_run_ends_the_draft(person: User, dataset: Dataset, client: Client) -> None:
    typed(client, epochs="2")
    _page, fields = wizard(client)
    assert client.post("/train/", fields).status_code == 302
    assert draft_of(person, f"train:{dataset.team_id}") is None
    assert Job.objects.get().config["epochs"] == 2


def test_a_refused_start_keeps_the_draft(person: User, dataset: Dataset, client: Client) -> None:
    typed(client, epochs="7")
    _page, fields = wizard(client)
    answer = client.post("/train/", fields | {"epochs": "none"})
    assert answer.status_code == 422
    assert draft_of(person, f"train:{dataset.team_id}") is not None


def test_start_over_forgets_the_draft(person: User, client: Client) -> None:
    typed(client, epochs="7")
    client.post("/train/start-over/")
    page, fields = wizard(client)
    assert fields["epochs"] != "7"
    assert "Your draft is back." not in page


def test_an_address_that_asks_for_something_else_is_not_answered_with_the_draft(
    person: User, dataset: Dataset, client: Client
) -> None:
    typed(client, epochs="7")
    other = make_dataset(owner=person, team=dataset.team, name="Neon")
    fill(other)
    _page, fields = wizard(client, f"?dataset={other.slug}")
    assert (fields["dataset"], fields["epochs"] == "7") == (other.slug, False)
    _page, same = wizard(client, f"?dataset={dataset.slug}")
    assert same["epochs"] == "7"


def run_with(dataset: Dataset, **config: Any) -> Job:
    return make_job(dataset=dataset, name="earlier", config=config)


def test_settings_of_a_run_fill_the_wizard_from_its_page(
    person: User, dataset: Dataset, client: Client
) -> None:
    job = run_with(dataset, epochs=9, seed=77, network={"dim": 24}, max_steps=None)
    link = f"/train/?again={job.number}"
    assert link in client.get(f"/runs/{job.number}/").content.decode()
    page, fields = wizard(client, f"?again={job.number}")
    assert (fields["epochs"], fields["seed"], fields["network_dim"]) == ("9", "77", "24")
    assert fields["name"] == "earlier"
    assert f"run #{job.number}" in page


def test_another_preset_ends_the_settings_of_the_earlier_run(
    person: User, dataset: Dataset, client: Client
) -> None:
    job = run_with(dataset, epochs=9, seed=77, max_steps=None)
    _page, fields = wizard(client, f"?again={job.number}")
    sent = fields | {"method": "dreambooth"}
    after = fields_of(client.post("/train/choices/", sent, headers=HTMX).content.decode())
    assert "again" not in after
    assert after["seed"] != "77"


def test_the_settings_of_a_stranger_are_not_found(person: User, client: Client) -> None:
    job = make_job(owner=UserFactory())
    assert client.get(f"/train/?again={job.number}").status_code == 404
