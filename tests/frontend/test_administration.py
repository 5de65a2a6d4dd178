"""The administration in the reader's language: names of tables, of columns, and on its pages."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from frontend.columns import PACKAGES, name_columns
from tests.factories.accounts import UserFactory, make_team

#: The same word in both languages.
NAMES = frozenset({"blurhash", "ema", "clip skip", "id"})


def in_chinese(word: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in word)


def test_every_table_has_a_name_in_both_languages() -> None:
    ours = [table for table in apps.get_models() if table.__module__.split(".")[0] in PACKAGES]
    with override("zh-hans"):
        english = [
            table.__name__
            for table in ours
            for name in (table._meta.verbose_name, table._meta.verbose_name_plural)
            if not in_chinese(str(name))
        ]

    assert len(ours) > 50
    assert english == []


def test_every_column_that_is_shown_has_a_name_in_both_languages() -> None:
    pages = {
        table: page
        for table, page in admin.site._registry.items()
        if page.__module__.startswith(PACKAGES)
    }
    shown = [*pages, *(inline.model for page in pages.values() for inline in page.inlines)]
    columns = [column for table in shown for column in table._meta.local_concrete_fields]
    with override("zh-hans"):
        english = {column.name for column in columns if not in_chinese(str(column.verbose_name))}

    assert len(columns) > 150
    assert {name.replace("_", " ") for name in english} <= NAMES


def test_columns_are_called_as_ever_in_english() -> None:
    name_columns()  # once more changes nothing

    with override("en"):
        job = apps.get_model("jobs", "Job")
        assert str(job._meta.get_field("finished_at").verbose_name) == "finished at"


@pytest.mark.django_db
def test_a_list_of_the_administration_is_in_one_language(client: Client) -> None:
    boss = UserFactory(is_staff=True, is_superuser=True, language="zh-hans")
    make_team(owner=boss, name="Night studio")
    client.force_login(boss)
    page = client.get(reverse("admin:accounts_team_changelist")).content.decode()

    assert "创建时间" in page
    assert "Created at" not in page
    assert "团队" in page
