"""What a hub knows of a version, through `atelier pull` and `atelier push` to the next one."""

import json
from decimal import Decimal

import pytest

from hub.cli.carrying import carried_facts
from hub.cli.credentials import current_account
from hub.cli.download import file_sha256
from hub.cli.hub_client import HubClient
from hub.cli.sidecars import read_sidecars
from models_registry.models.version import ModelVersion
from models_registry.services import drafts, edits, publish, recommendations
from models_registry.services.values import (
    Example,
    Licence,
    Resource,
    TrainingFacts,
    Usage,
    Weight,
    WordSet,
)
from tests.factories.registry import (
    add_clean_file,
    lora_bytes,
    make_model,
    make_version,
    publish_model,
)
from tests.models_registry.test_drafts import picture_blob


@pytest.fixture
def full_version():
    """A published version of which everything is said that can be."""
    vae = publish_model(name="Clear", type="VAE", seed=72)
    said = {"description": "*Brush* ink.", "subject": "style", "tags": ["ink", "brush"]}
    model = make_model(**said)
    version = make_version(model, name="v2")
    owner = model.owner
    edits.update_model(
        actor=owner,
        model=model,
        licence_name="MIT",
        licence=Licence(allow_no_credit=False, commercial_use=()),
    )
    edits.update_version(
        actor=owner,
        version=version,
        description="**Second** try.",
        changelog="Sharper.",
        weight=Weight(minimum=Decimal("0.4"), default=Decimal("0.7"), maximum=Decimal("1.1")),
        usage=Usage(
            **{"clip_skip": 2, "sampler": "Euler a", "steps": 28, "cfg_scale": 6, "cfg_min": 4},
            **{"cfg_max": 9, "cfg_note": "More is harsher.", "width": 512, "height": 768},
            **{"tips": "Use it late.", "prompt_advice": "Subject first.", "negative_advice": "-"},
        ),
        training=TrainingFacts(network_dim=8, network_alpha=4, epochs=3, training_steps=900),
    )
    words = [WordSet(words=("inkwash",)), WordSet(words=("night", "moon"), name="Night")]
    drafts.set_trigger_words(actor=owner, version=version, words=words)
    resources = [
        Resource(kind="vae", name="", version=vae, weight=None),
        Resource(kind="lora", name="Elsewhere", version=None, weight=Decimal("0.5")),
    ]
    recommendations.set_resources(actor=owner, version=version, resources=resources)
    cover = drafts.add_cover(actor=owner, version=version, blob=picture_blob())
    facts = {"prompt": "a fox", "negative": "blur", "note": "first", "sampler": "DDIM", "steps": 9}
    facts |= {"cfg_scale": 5, "weight": Decimal("0.8"), "seed": 7, "clip_skip": 1}
    example = Example(**facts, width=640, height=512)
    recommendations.set_examples(actor=owner, version=version, examples=[(example, cover)])
    add_clean_file(version, seed=71, kind="Model", size_kind="pruned")
    publish.publish_version(actor=owner, version=version)
    return version


def _become_unknown(folder):
    """Give the model file in a pulled folder bytes that another hub would not know."""
    [path] = folder.glob("*.safetensors")
    before = file_sha256(path)
    path.write_bytes(lora_bytes(seed=73))
    info = path.with_suffix(".civitai.info")
    info.write_text(info.read_text().replace(before, file_sha256(path)))


def test_what_was_pulled_and_is_pushed_by_another_says_all_that_it_said(
    atelier, full_version, tmp_path
):
    atelier("pull", f"version:{full_version.pk}", "--to", tmp_path / "a", "--layout", "flat")
    _become_unknown(tmp_path / "a")
    [row] = atelier("push", tmp_path / "a", "--json").json
    with HubClient(current_account("")) as hub:
        told = [carried_facts(hub, pk) for pk in (full_version.pk, row["version_id"])]
    for facts in told:
        del facts["files"][0]["sha256"]
    assert told[0] == told[1]
    assert told[0]["files"] == [{"kind": "Model", "size_kind": "pruned", "is_primary": True}]
    assert told[0]["resources"][0]["sha256"]
    assert told[0]["examples"][0]["picture"]
    again = atelier("push", tmp_path / "a", "--json").json
    assert [again[0][name] for name in ("outcome", "version_id")] == ["here", row["version_id"]]


def test_what_a_person_wrote_into_a_sidecar_is_not_undone_by_what_was_carried(
    atelier, full_version, tmp_path
):
    folder = tmp_path / "a"
    atelier("pull", f"version:{full_version.pk}", "--to", folder, "--layout", "flat")
    _become_unknown(folder)
    [card] = folder.glob("*.json")
    edited = json.loads(card.read_text()) | {"preferred weight": 0.9, "description": "Mine."}
    card.write_text(json.dumps(edited))
    [info] = folder.glob("*.civitai.info")
    info.write_text(json.dumps(json.loads(info.read_text()) | {"trainedWords": ["mine"]}))
    [row] = atelier("push", folder, "--json").json
    version = ModelVersion.objects.get(pk=row["version_id"])
    assert (version.weight_default, version.description) == (Decimal("0.90"), "Mine.")
    assert (version.trained_words, version.changelog) == (["mine"], "Sharper.")


@pytest.mark.parametrize(
    "facts",
    [
        {"model": {"licence": "XYZ"}, "version": {"steps": -1}, "examples": 3},
        {"examples": [{"picture": ["a"], "steps": {}}]},
        {"resources": [{"kind": "vae", "name": "V", "sha256": ["a"]}]},
        {"resources": [{"kind": "vae", "name": "V", "sha256": "a"}]},
        {"version": {"cfg_scale": float("nan"), "steps": 10**400}},
        {"version": {"tips": "\ud800", "trigger_word_sets": [{"words": 3}, 4]}},
        {"files": [{"kind": "Nonsense"}]},
        {"files": [{"size_kind": ["full"], "is_primary": "?"}]},
    ],
)
def test_facts_that_a_hub_does_not_take_do_not_keep_a_file_from_it(atelier, tmp_path, facts):
    path = tmp_path / "ink.safetensors"
    path.write_bytes(lora_bytes(seed=74))
    for row in facts.get("files", ()):
        row["sha256"] = file_sha256(path)
    path.with_suffix(".civitai.info").write_text(json.dumps({"atelier": facts}))
    [row] = atelier("push", path, "--json").json
    assert row["outcome"] == "sent"


@pytest.mark.parametrize(
    "weight", [float("nan"), float("inf"), pytest.param(10**400, id="huge"), [1]]
)
def test_a_weight_that_is_no_number_is_none(tmp_path, weight):
    path = tmp_path / "ink.safetensors"
    path.with_suffix(".json").write_text(json.dumps({"preferred weight": weight}))
    assert read_sidecars(path).weight is None
