"""Seed the base models of the community; existing rows are left as administrators made them."""

from django.db import migrations

from models_registry.base_model_names import KNOWN_BASE_MODELS


def add_base_models(apps, schema_editor):
    BaseModel = apps.get_model("models_registry", "BaseModel")
    BaseModel.objects.bulk_create(
        (
            BaseModel(
                name=known.name,
                family=known.family,
                ecosystem=known.ecosystem,
                native_width=known.native_side,
                native_height=known.native_side,
                licence_name=known.licence_name,
                licence_url=known.licence_url,
                is_active=known.is_active,
                sort=position * 10,
            )
            for position, known in enumerate(KNOWN_BASE_MODELS)
        ),
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("models_registry", "0001_initial")]
    operations = [
        migrations.RunPython(add_base_models, migrations.RunPython.noop, elidable=False)
    ]
