"""Files that prompts name come from the registry, by their names, to those who may use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.formats.generation.types import ResourceKind
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import Model, ModelType, ModelVisibility
from models_registry.models.version import ModelVersion
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model
from tests.factories.training import TINY, claimed_job, make_job
from training.engine.config.train import TrainConfig
from training.jobs.models.event import EventKind
from training.jobs.services.events import record_warning
from training.jobs.services.prompt_files import PromptFiles, Why, Wisher, files_named_in
from training.jobs.services.transitions import LeaseLost
from training.worker.failures import PermanentFailureError
from training.worker.prompt_files import (
    stage_every_prompt_file,
    stage_prompt_files,
    without_missing,
)
from training.worker.staging import stage, staged_files

pytestmark = pytest.mark.django_db
TAGS = (("lora", "nobody"), ("hypernet", "fog"))


def publish(**fields: Any) -> ModelVersion:
    """A published LoRA for the bundled base, in a file called inkwash."""
    version = publish_model(base_model=TINY, **fields)
    ModelFile.objects.filter(version=version).update(name="inkwash.safetensors")
    return version


def stems(found: PromptFiles) -> list[str]:
    return [named.name for named in found.files]


def test_a_run_finds_the_files_that_its_prompts_name_and_tells_the_others() -> None:
    owner = UserFactory()
    version = publish(owner=owner)
    lines = ["# <lora:comment:1>", "a cat <lora:inkwash:0.7>", "a dog <lora:inkwsh:1> --s 2"]
    job = make_job(owner=owner, config={"sample_prompts": lines})
    for _ in range(2):
        staged = stage(job)
        config = TrainConfig.from_toml(staged.folder.config)
        (library,) = config.sampling.library
        (path,) = Path(library).glob("*/*")
        assert path.name == "inkwash.safetensors"
        assert path.parent.name == version.files.get().blob.sha256
        assert (path, path.parent.name) in list(staged_files(job, staged.folder))
    assert config.sample_prompts == [*lines[:2], "a dog  --s 2"]
    (told,) = staged.not_used
    assert "the lora inkwsh" in told
    assert "There are: inkwash. " in told
    staged.folder.drop_inputs()
    assert not path.exists()


def test_what_a_person_may_not_use_is_not_there_for_their_prompts() -> None:
    version = publish()
    stranger = Wisher(UserFactory(), None, "tiny")
    lines = ["a cat <lora:InkWash:0.7>"]
    assert stems(files_named_in(lines, stranger)) == ["InkWash"]
    assert files_named_in(lines, Wisher(stranger.person, None, "sdxl")).files == ()
    ModelFile.objects.filter(version=version).update(scan_status=ScanStatus.DANGER)
    assert files_named_in(lines, stranger).files == ()
    ModelFile.objects.filter(version=version).update(scan_status=ScanStatus.SUCCESS)
    Model.objects.filter(pk=version.model_id).update(visibility=ModelVisibility.PRIVATE)
    found = files_named_in(lines, stranger)
    assert found.files == ()
    assert found.missing[0].known == ()
    assert stems(files_named_in(lines, Wisher(version.model.owner, None, "tiny"))) == ["InkWash"]


def test_of_several_the_own_file_is_meant_then_the_teams_then_the_newest() -> None:
    person, colleague = UserFactory(), UserFactory()
    team = make_team(owner=colleague)
    own = publish(owner=person, seed=1)
    shared = publish(owner=colleague, team=team, seed=2)
    publish(seed=3)
    newest = publish(seed=4)
    lines = ["a cat <lora:inkwash:0.7>"]

    def meant(wisher: Wisher) -> int:
        (named,) = files_named_in(lines, wisher).files
        return named.file.version_id

    assert meant(Wisher(person, team, "tiny")) == own.pk
    assert meant(Wisher(colleague, team, "tiny")) == shared.pk
    assert meant(Wisher(UserFactory(), None, "tiny")) == newest.pk


def test_words_of_prompts_mean_embeddings_of_the_person_and_the_team_alone() -> None:
    person = UserFactory()
    word = {"type": ModelType.TEXTUAL_INVERSION, "base_model": TINY, "trigger_words": ("badhands",)}
    publish_model(owner=person, **word)
    lines = ["a cat --n BadHands, blurry"]
    assert stems(files_named_in(lines, Wisher(person, None, "tiny"))) == ["badhands"]
    assert files_named_in(["a badhandsome cat"], Wisher(person, None, "tiny")).files == ()
    assert files_named_in(lines, Wisher(UserFactory(), None, "tiny")).files == ()


def test_files_that_are_named_no_more_go(tmp_path: Path) -> None:
    version = publish()
    wisher = Wisher(version.model.owner, None, "tiny")
    stage_prompt_files(["a <lora:inkwash:1>"], wisher, tmp_path)
    assert len(list(tmp_path.glob("library/*/*"))) == 1
    stage_prompt_files(["a cat"], wisher, tmp_path)
    assert not list(tmp_path.glob("library/*/*"))


def test_files_of_prompts_are_used_up_to_the_limit_of_bytes_and_the_others_told(
    settings: Any, tmp_path: Path
) -> None:
    person = UserFactory()
    ink = publish(owner=person, seed=1)
    wash = publish_model(owner=person, base_model=TINY, seed=2)
    ModelFile.objects.filter(version=wash).update(name="wash.safetensors")
    sizes = [version.files.get().blob.size_bytes for version in (ink, wash)]
    lines = ["a <lora:inkwash:1> <lora:wash:1>"]
    wisher = Wisher(person, None, "tiny")

    settings.PROMPT_FILES_MAX_BYTES = sum(sizes)
    assert stems(files_named_in(lines, wisher)) == ["inkwash", "wash"]
    settings.PROMPT_FILES_MAX_BYTES = sum(sizes) - 1
    found = stage_prompt_files(lines, wisher, tmp_path)
    assert stems(found) == ["inkwash"]
    assert len(list(tmp_path.glob("library/*/*"))) == 1
    (sentence,) = found.sentences
    assert f"{sum(sizes) - 1:,} bytes" in sentence
    assert sentence.endswith("limit, with wash. They are left out.")
    with pytest.raises(PermanentFailureError, match="with wash"):
        stage_every_prompt_file(lines, wisher, tmp_path)
    settings.PROMPT_FILES_MAX_BYTES += 1
    assert len(stage_every_prompt_file(lines, wisher, tmp_path).files) == 2
    assert without_missing(lines, found.missing) == ["a <lora:inkwash:1> "]


def test_more_files_than_the_limit_are_not_looked_for(settings: Any) -> None:
    person = UserFactory()
    publish(owner=person)
    wisher = Wisher(person, None, "tiny")
    lines = ["a <lora:inkwash:1>", "a <lora:other:1>"]

    settings.PROMPT_MAX_FILES = 2
    (absent,) = files_named_in(lines, wisher).missing
    assert (absent.name, absent.why) == ("other", Why.ABSENT)
    settings.PROMPT_MAX_FILES = 1
    found = files_named_in(lines, wisher)
    assert stems(found) == ["inkwash"]
    assert found.names_missing(Why.TOO_MANY) == ["other"]
    assert "than the 1 of the hub's limit, as other. They are left out." in next(found.sentences)


def test_networks_and_embeddings_share_the_limit_of_files(settings: Any) -> None:
    person = UserFactory()
    publish(owner=person)
    for seed, word in enumerate(("badhands", "goodhands"), start=1):
        fields = {"type": ModelType.TEXTUAL_INVERSION, "trigger_words": (word,), "seed": seed}
        publish_model(owner=person, base_model=TINY, **fields)
    wisher = Wisher(person, None, "tiny")
    lines = ["a <lora:inkwash:1> with goodhands --n badhands"]

    settings.PROMPT_MAX_FILES = 3
    assert stems(files_named_in(lines, wisher)) == ["inkwash", "goodhands", "badhands"]
    for most, left_out in ((2, ["badhands"]), (1, ["goodhands", "badhands"])):
        settings.PROMPT_MAX_FILES = most
        found = files_named_in(lines, wisher)
        assert len(found.files) == most
        assert found.names_missing(Why.TOO_MANY) == left_out


@pytest.mark.parametrize("limit", ["PROMPT_MAX_FILES", "PROMPT_FILES_MAX_BYTES"])
def test_nothing_is_laid_out_of_what_does_not_fit_whole(
    limit: str, settings: Any, tmp_path: Path
) -> None:
    person = UserFactory()
    ink = publish(owner=person, seed=1)
    wash = publish_model(owner=person, base_model=TINY, seed=2)
    ModelFile.objects.filter(version=wash).update(name="wash.safetensors")
    size = ink.files.get().blob.size_bytes
    setattr(settings, limit, {"PROMPT_MAX_FILES": 1, "PROMPT_FILES_MAX_BYTES": size}[limit])

    lines = ["a <lora:inkwash:1> <lora:wash:1>"]
    with pytest.raises(PermanentFailureError, match="wash"):
        stage_every_prompt_file(lines, Wisher(person, None, "tiny"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_more_names_need_no_more_queries_and_headers_are_not_read() -> None:
    person = UserFactory()
    version = publish(owner=person)
    header = version.files.get().header | {"ss_output_name": "ink_7"}
    ModelFile.objects.filter(version=version).update(header=header)
    wisher = Wisher(person, None, "tiny")
    tags = [f"<{kind}:{name}{n}:1>" for n in range(4) for kind, name in TAGS]

    with CaptureQueriesContext(connection) as few:
        files_named_in([" ".join(tags[: len(TAGS)])], wisher)
    with CaptureQueriesContext(connection) as many:
        found = files_named_in([" ".join([*tags, "<lora:ink_7:1>"])], wisher)
    assert len(many) == len(few)
    assert stems(found) == ["ink_7"]
    assert {"header", "scan_report"} <= found.files[0].file.get_deferred_fields()
    assert found.missing[-1].known == ("inkwash",)


def test_names_are_texts_and_no_patterns() -> None:
    version = publish()
    wisher = Wisher(version.model.owner, None, "tiny")
    for name in ("ink.*", "(", "|", "[", "\\", "_x", " ", "***:", "墨"):
        assert files_named_in([f"a <lora:{name}:1>"], wisher).files == ()
    ModelFile.objects.filter(version=version).update(name="ink+(v1) [a].safetensors")
    assert stems(files_named_in(["a <lora:INK+(v1) [a]:1>"], wisher)) == ["INK+(v1) [a]"]


def test_an_embedding_that_is_named_as_one_and_not_there_is_told() -> None:
    person = UserFactory()
    word = {"type": ModelType.TEXTUAL_INVERSION, "base_model": TINY, "trigger_words": ("badhands",)}
    publish_model(owner=person, **word)
    found = files_named_in(["a embedding:badhands embedding:none"], Wisher(person, None, "tiny"))
    assert stems(found) == ["badhands"]
    assert [(one.kind, one.name) for one in found.missing] == [(ResourceKind.EMBEDDING, "none")]


def test_tags_of_missing_files_leave_the_prompts() -> None:
    found = files_named_in(["a <hypernet:x:1> <lora:y>"], Wisher(UserFactory(), None, "tiny"))
    kinds = [one.kind for one in found.missing]
    assert set(kinds) == {ResourceKind.LORA, ResourceKind.HYPERNETWORK}
    lines = ["a <hypernet:x:1> <lora:y> <lora:z:2>"]
    assert without_missing(lines, found.missing) == ["a   <lora:z:2>"]


def test_a_warning_of_the_worker_is_an_event_of_the_attempt_that_holds_the_job() -> None:
    job, _ = claimed_job()
    record_warning(job.pk, 1, code="networks_left_out", message="no such file")
    event = job.events.get(kind=EventKind.WARNED)
    assert event.data == {"code": "networks_left_out", "message": "no such file"}
    with pytest.raises(LeaseLost):
        record_warning(job.pk, 2, code="networks_left_out", message="too late")
