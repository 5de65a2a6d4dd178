"""Filters and orders of lists that files, licences and use decide; typos; names of files."""

import math
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from models_registry import queries
from models_registry.filters import ModelFilters, Sort
from models_registry.install_paths import FOLDERS, install_paths
from models_registry.models.file import ModelFile
from models_registry.models.model import Model, ModelType
from models_registry.services.counters import refresh_facts
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()


def listed(sort=None, **filters) -> list[str]:
    page = queries.model_list(viewer=ANYONE, filters=ModelFilters(**filters), sort=sort)
    return [model.name for model in page.items]


def test_lists_are_narrowed_by_format_precision_and_licence():
    publish_model(name="A", seed=1, licence_name="MIT")
    second = publish_model(name="B", seed=2)
    ModelFile.objects.filter(version=second).update(format="PickleTensor", precision="fp32")
    refresh_facts(model_id=second.model_id)

    assert listed(formats=["SafeTensor"]) == ["A"]
    assert listed(formats=["PickleTensor"]) == ["B"]
    assert listed(precisions=["fp32"]) == ["B"]
    assert listed(formats=["SafeTensor"], precisions=["fp32"]) == []
    assert listed(licences=["MIT", "CC0-1.0"]) == ["A"]


def test_format_and_precision_are_asked_of_the_same_file():
    version = publish_model(name="A", seed=1)
    from tests.factories.registry import add_clean_file

    other = add_clean_file(version, seed=2, name="b.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=other.pk).update(format="PickleTensor", precision="fp32")
    refresh_facts(model_id=version.model_id)

    assert listed(formats=["SafeTensor"], precisions=["fp32"]) == []
    assert listed(formats=["PickleTensor"], precisions=["fp32"]) == ["A"]


def test_trending_weighs_use_against_age_as_its_formula_says():
    now = timezone.now()
    for name, days, downloads in (("Old hit", 14, 99), ("New", 0, 4), ("Old", 14, 4)):
        model = publish_model(name=name, seed=len(name)).model
        Model.objects.filter(pk=model.pk).update(
            last_version_at=now - timedelta(days=days), download_count=downloads
        )

    assert listed(Sort.TRENDING) == ["New", "Old hit", "Old"]
    new, old = Model.objects.get(name="New"), Model.objects.get(name="Old hit")
    expected = math.log(5) + 14 / 3 - math.log(100)
    assert new.trend - old.trend == pytest.approx(expected, abs=1e-6)


def test_what_people_do_with_a_model_raises_it_in_the_trend():
    model = publish_model().model
    before = Model.objects.get().trend
    Model.objects.update(
        download_count=1, thumbs_up_count=1, bookmark_count=1, image_count=1, comment_count=1
    )

    assert Model.objects.get().trend - before == pytest.approx(math.log(14), abs=1e-6)
    assert model.trend == pytest.approx(before)


@pytest.mark.parametrize("text", ["midnite_windows", "lanscape", "Midnight windwos"])
def test_a_typo_in_a_tag_a_trigger_word_or_a_name_is_forgiven(text):
    publish_model(name="Midnight windows", trigger_words=["midnight_windows"], tags=["landscape"])
    publish_model(name="Porcelain cup", seed=2, trigger_words=["porcelain"], tags=["still life"])

    assert listed(query=text) == ["Midnight windows"]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("ＳＤＸＬ", "ＳＤＸＬ"),
        ("ＳＤＸＬ", "sdxl"),
        ("Draws \ufb01gures.", "figures"),
        ("In a cafe\u0301.", "caf\xe9"),
        ("使用SDXL模型", "SDXL"),
        ("使用ＳＤＸＬ模型", "SDXL"),
        ("ﾈｺ", "ネコ"),
    ],
)
@pytest.mark.parametrize("field", ["name", "description"])
def test_words_are_found_in_whatever_form_they_are_written(field, written, asked):
    publish_model(**{"name": "A", field: written})

    assert len(listed(query=asked)) == 1


def test_a_name_that_fits_comes_before_a_tag_that_fits():
    publish_model(name="Something else", seed=1, tags=["lantern"])
    publish_model(name="Lantern", seed=2)

    assert listed(query="lantren") == ["Lantern", "Something else"]


@pytest.mark.parametrize("type", ModelType.values)
def test_every_folder_is_a_path_below_the_program(type):
    for found in install_paths(type):
        assert not found.folder.startswith(("/", "."))
        assert found.program


def test_the_five_types_have_a_folder_in_the_usual_programs():
    for type in ("Checkpoint", "TextualInversion", "LORA", "Hypernetwork", "VAE"):
        programs = {found.program for found in install_paths(type)}
        assert {"A1111 / Forge", "ComfyUI"} <= programs
    assert set(FOLDERS) <= set(ModelType.values)
