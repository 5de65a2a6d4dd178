"""The migrations are those of the models."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call_command("makemigrations", check_changes=True, dry_run=True, interactive=False)
    except SystemExit:
        pytest.fail(f"A migration is missing:\n{capsys.readouterr().out}")


def test_tables_in_one_step_are_those_of_the_steps() -> None:
    """A new database and one that came step by step have the same models."""
    in_steps = MigrationLoader(None, replace_migrations=False).project_state()
    in_one = MigrationLoader(None).project_state()
    for known, other in ((in_steps, in_one), (in_one, in_steps)):
        assert MigrationAutodetector(known, other)._detect_changes() == {}


@pytest.mark.django_db
def test_a_web_process_from_before_an_update_can_still_ask_for_imports_and_conversions() -> None:
    """It knows no `language` and names no value for it."""
    tables = ["models_registry_fileconversion", "models_registry_remoteimport"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_name = ANY(%s)"
            " AND column_name = 'language' AND column_default IS NOT NULL ORDER BY table_name",
            [tables],
        )
        found = [name for (name,) in cursor.fetchall()]

    assert found == tables
