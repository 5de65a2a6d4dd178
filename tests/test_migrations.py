"""The migrations are those of the models."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from models_registry.models.conversion import FileConversion
from models_registry.models.remote_import import RemoteImport


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
@pytest.mark.parametrize("model", [FileConversion, RemoteImport])
def test_a_process_of_before_that_knows_no_language_can_write_rows(model: type[Model]) -> None:
    """While a new version migrates, web processes of the one before are still at work."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_default FROM information_schema.columns "
            "WHERE table_name = %s AND column_name = 'language'",
            [model._meta.db_table],
        )
        assert cursor.fetchall() == [("''::character varying",)]
