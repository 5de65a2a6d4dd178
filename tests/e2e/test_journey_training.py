"""Journey B whole, in a real browser on real parts: pictures in, a published model out.

The web server, a cpu worker, a gpu worker with its trainer, PostgreSQL, Valkey and the bundled base
are the ones that run a hub; only the training is short.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, expect

from gallery.models import Image
from hub.demo.base_model import publish_base, write_checkpoint
from hub.formats.generation.a1111 import parse_infotext
from hub.formats.generation.json_form import from_json
from models_registry.models.version import ModelVersion
from tests.e2e.conftest import Guard
from tests.factories.accounts import UserFactory
from tests.journeys.material import IN_FOLDER, IN_ZIP, TAGS, TRIGGER, picture_folder, picture_zip
from training.jobs.services.publish import generation_text

pytestmark = pytest.mark.timeout(900)

PATIENCE_MS = 60_000
TRAINING_MS = 400_000
PROMPTS = [f"a {TRIGGER}, blue background", "a house"]
EPOCHS = 3
STEPS = EPOCHS * 2 * (IN_FOLDER + IN_ZIP) // 4
SAMPLES_AT = range(EPOCHS + 1)  # before the first step too
MODEL = "Paper lantern"
NAMED_HASHES = {"SHA256", "AutoV2", "AutoV3", "BLAKE3", "CRC32"}  # AutoV1 reads past the first MiB
ALL_LOADED = """(selector) => {
  const pictures = [...document.querySelectorAll(selector)];
  return pictures.length > 0 && pictures.every((one) => one.complete && one.naturalWidth > 0);
}"""


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled base as one file, written by the engine as the demo writes it."""
    return write_checkpoint(tmp_path_factory.mktemp("base"))


@pytest.fixture
def base(base_file: Path, live_hub: object) -> ModelVersion:
    """The bundled base as a published checkpoint."""
    return publish_base(actor=UserFactory(username="curator"), checkpoint=base_file, pictures=[])


@pytest.fixture(autouse=True)
def patience() -> None:
    """A machine that trains while it serves may take its time; each wait still has an end."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


def test_from_a_folder_of_pictures_to_a_model_that_others_download(
    page: Page,
    context: BrowserContext,
    guard: Guard,
    tmp_path: Path,
    base: ModelVersion,
    cpu_worker: object,
    start_gpu_worker: Callable[[], None],
) -> None:
    page.set_default_timeout(PATIENCE_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    join(page)
    make_team(page)
    make_dataset(page)
    send_pictures(page, guard, tmp_path)
    edit_tags(page)
    start_training(page, base)
    watch(page, start_gpu_worker)
    publish(page)
    version = read_model_page(page)
    download(page, version)
    look_at_the_samples(page, version, base)


def join(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("User name").fill("mori")
    page.get_by_label("Email").fill("mori@example.org")
    page.get_by_label("Password", exact=True).fill("lantern-maker-9")
    page.get_by_label("Password again").fill("lantern-maker-9")
    page.locator("main").get_by_role("button", name="Create an account").click()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()


def make_team(page: Page) -> None:
    page.goto("/teams/")
    page.get_by_label("Team name").fill("Paper workshop")
    page.get_by_role("button", name="Create team").click()
    expect(page.get_by_role("heading", name="Paper workshop")).to_be_visible()


def make_dataset(page: Page) -> None:
    page.goto("/datasets/")
    follow(page, "New dataset", "/datasets/new/")
    page.get_by_label("Name").fill("Lanterns")
    page.get_by_label("What the pictures show").select_option("object")
    page.get_by_label("Trigger word").fill(TRIGGER)
    page.get_by_label("Class").fill("a lantern")
    page.get_by_label("Training size in pixels").fill("128")
    page.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_role("heading", name="Lanterns", level=1)).to_be_visible()


def send_pictures(page: Page, guard: Guard, tmp_path: Path) -> None:
    page.locator("input[data-folder]").set_input_files(picture_folder(tmp_path))
    expect(page.locator("#content .thumb")).to_have_count(IN_FOLDER)
    # The line is lost after the last byte: the hub is told again, and nothing is sent twice.
    guard.expect("net::ERR_FAILED")
    page.route("**/import/", lambda route: route.abort(), times=1)
    page.locator("#drop input:not([data-folder])").set_input_files(picture_zip(tmp_path))
    expect(page.locator("#content .thumb")).to_have_count(IN_FOLDER + IN_ZIP)
    expect(page.locator("#upload-list li")).to_have_count(0)
    page.locator("#content .thumb").last.scroll_into_view_if_needed()
    page.wait_for_function(ALL_LOADED, arg="#content .thumb img:not(.ph)")
    expect(page.locator("#content")).to_contain_text("notes.pdf")


def edit_tags(page: Page) -> None:
    tags = page.locator("#chips .tg")
    follow(page, "Edit tags", "/datasets/lanterns/tags/")
    expect(tags).to_have_text(TAGS)
    page.get_by_label("Add a tag").fill("red tassel")
    page.get_by_label("Add a tag").press("Enter")
    expect(tags).to_have_text([*TAGS, "red tassel"])
    expect(page.locator("#undo")).to_be_enabled()
    expect(page.locator("#saved")).to_have_text("All saved")
    page.reload()
    expect(tags).to_have_text([*TAGS, "red tassel"])
    page.get_by_role("button", name="Undo").first.click()
    expect(tags).to_have_text(TAGS)
    expect(page.locator("#saved")).to_have_text("All saved")
    page.reload()
    expect(tags).to_have_text(TAGS)


def start_training(page: Page, base: ModelVersion) -> None:
    follow(page, "Train", "/train/?dataset=lanterns")
    summary = page.locator("#summary")
    expect(page.get_by_role("radio", name="Lanterns")).to_be_checked()
    page.get_by_role("radio", name=base.model.name).check()
    page.get_by_role("radio", name="Textual Inversion").check()
    expect(page.get_by_label("Network dim")).to_have_count(0)
    page.get_by_role("radio", name="LoRA").check()
    page.get_by_role("radio", name="A subject").check()
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Network dim").fill("4")
    page.get_by_label("Batch").fill("4")
    page.get_by_label("Epochs epochs", exact=True).fill(str(EPOCHS))
    page.get_by_label("Sample prompts").fill("\n".join(f"{text} --s 4" for text in PROMPTS))
    page.get_by_label("Name of the run").fill("lantern v1")
    expect(summary).to_contain_text(f"{IN_FOLDER + IN_ZIP} × 2")
    expect(summary.locator("dd").nth(2)).to_have_text(str(STEPS))
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+/$"))


def watch(page: Page, start_gpu_worker: Callable[[], None]) -> None:
    """In line, claimed, live, reloaded in the middle, done: nothing lost, nothing twice."""
    expect(page.locator("#top")).to_contain_text("Place 1 in line")
    expect(page.locator("#conn")).to_have_attribute("data-state", "open")
    start_gpu_worker()
    expect(page.locator("#top")).not_to_contain_text("in line", timeout=TRAINING_MS)
    expect(page.locator("#pct")).not_to_have_text("0", timeout=TRAINING_MS)
    expect(page.locator("#f-loss")).to_have_text(re.compile(r"^\d\.\d{4}$"))
    expect(page.locator("#f-elapsed")).to_have_text(re.compile(r"\d"))  # it was in line at first
    expect(page.locator("#s-0-1 img")).to_be_visible(timeout=TRAINING_MS)
    step = whole(page, "#step")
    page.reload()
    assert whole(page, "#step") >= step
    expect(page.locator("#s-0-1 img")).to_be_visible()
    expect(page.locator("#top .badge").first).to_have_text("Done", timeout=TRAINING_MS)
    expect(page.locator("#pct")).to_have_text("100")
    expect(page.locator("#samples td img")).to_have_count(len(PROMPTS) * len(SAMPLES_AT))
    told = log_of(page)
    page.reload()
    assert log_of(page) == told
    assert json.loads(page.locator("#run-data").text_content())["steps"][-1] == STEPS
    page.wait_for_function(ALL_LOADED, arg="#samples td img")


def publish(page: Page) -> None:
    follow(page, "Publish", "/publish/")
    page.get_by_label("Name").fill(MODEL)
    page.get_by_role("radio", name="Epoch 2").check()
    expect(page).to_have_url(re.compile("checkpoint="))
    expect(page.locator(".covers img")).to_have_count(len(PROMPTS))
    expect(page.get_by_label("Name")).to_have_value(MODEL)
    page.get_by_label("Trigger words").fill(TRIGGER)
    page.get_by_label("Least weight").fill("0.6")
    page.get_by_label("Recommended weight").fill("0.85")
    page.get_by_label("Most weight").fill("1.1")
    page.get_by_label("About").fill("Folds **light** into paper.")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name=MODEL, level=1)).to_be_visible()


def read_model_page(page: Page) -> ModelVersion:
    version = ModelVersion.objects.get(model__name=MODEL)
    file = version.files.get()
    assert (version.epochs, version.training_steps) == (2, 2 * STEPS // EPOCHS)
    expect(page.get_by_role("button", name=f"Copy trigger word {TRIGGER}")).to_be_visible()
    expect(page.locator("#weight-out")).to_have_text("0.85")
    expect(page.locator("main")).to_contain_text("Recommended 0.6–1.1")
    expect(page.locator("#prompt-tag")).to_have_text(re.compile(r"^<lora:.+:0\.85>$"))
    expect(page.locator("main strong")).to_have_text("light")
    expect(page.locator(".file")).to_contain_text("Verified")
    page.wait_for_load_state()  # the words are there before the scripts that copy them
    page.get_by_role("button", name="Copy SHA256 hash").click()
    expect(page.locator("#live")).to_contain_text("Copied")
    assert copied(page) == file.blob.sha256.upper()
    page.wait_for_function(ALL_LOADED, arg=".mosaic img:not(.ph)")
    page.get_by_role("link", name="See how it was trained").click()
    expect(page.get_by_role("heading", name="lantern v1")).to_be_visible()
    page.locator("#top").get_by_role("link", name=MODEL).click()
    expect(page.get_by_role("heading", name=MODEL, level=1)).to_be_visible()
    return version


def download(page: Page, version: ModelVersion) -> None:
    """By the button, by range, and by hash through the API."""
    file = version.files.get()
    sha256 = file.blob.sha256
    link = page.locator("a.btn.primary[download]")
    with page.expect_download() as coming:
        link.click()
    got = Path(coming.value.path()).read_bytes()
    assert coming.value.suggested_filename == file.name
    assert re.fullmatch(r"lantern_v1.*\.safetensors", file.name)
    assert (len(got), hashlib.sha256(got).hexdigest()) == (file.size_bytes, sha256)
    part = fetch(page, link.get_attribute("href"), Range="bytes=8-71")
    assert (part.status, part.body()) == (206, got[8:72])
    assert part.headers["content-range"] == f"bytes 8-71/{len(got)}"
    assert part.headers["etag"] == f'"{sha256}"'
    found = fetch(page, f"/api/v1/model-versions/by-hash/{sha256[:10]}").json()
    assert found["trainedWords"] == [TRIGGER]
    assert found["files"][0]["hashes"].keys() >= NAMED_HASHES


def look_at_the_samples(page: Page, version: ModelVersion, base: ModelVersion) -> None:
    """The pictures in the gallery say how to make them again."""
    page.wait_for_function(
        "async (url) => (await (await fetch(url)).json()).items.length === 2",
        arg=f"/api/v1/images?modelVersionId={version.pk}",
        polling=500,
    )
    page.goto("/images/")
    expect(page.locator("#images a")).to_have_count(len(PROMPTS))
    page.locator("#images a").first.click()
    panel = page.locator("#viewer-panel")
    expect(panel.get_by_role("link", name=MODEL)).to_be_visible()
    panel.get_by_role("button", name="Copy generation data").click()
    expect(page.locator("#live")).to_contain_text("Copied")
    image = Image.objects.get(pk=re.search(r"/images/(\d+)/", page.url).group(1))
    stored, read = image.generation, parse_infotext(copied(page, image.generation.prompt))
    assert read == from_json(stored.data)
    assert read == parse_infotext(generation_text(image.blob))
    assert read.prompt.partition(" <lora:")[0] in PROMPTS
    assert (read.prompt, read.steps, read.seed) == (stored.prompt, 4, stored.seed)
    assert base.files.get().blob.sha256.startswith(read.model_hash.lower())


def follow(page: Page, name: str, place: str) -> None:
    """Click a link and wait for its page with its scripts."""
    page.get_by_role("link", name=name, exact=True).click()
    expect(page).to_have_url(re.compile(re.escape(place)))
    page.wait_for_load_state()


def whole(page: Page, selector: str) -> int:
    return int(page.locator(selector).inner_text().replace(",", ""))


def log_of(page: Page) -> list[str]:
    """The log's lines without their clocks."""
    lines = page.locator("#log span").all_inner_texts()
    return [line.strip().partition(" ")[2] for line in lines]


def copied(page: Page, starts: str = "") -> str:
    """The clipboard, as soon as it holds a text that starts so: writing to it takes a moment."""
    return page.evaluate(
        """async starts => {
            for (let turn = 0; turn < 200; turn++) {
                const text = await navigator.clipboard.readText();
                if (text && text.startsWith(starts)) return text;
                await new Promise(done => setTimeout(done, 50));
            }
            return "";
        }""",
        starts,
    )


def fetch(page: Page, url: str, **headers: str) -> APIResponse:
    return page.context.request.get(url, headers=headers)
