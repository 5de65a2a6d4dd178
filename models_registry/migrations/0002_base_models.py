"""Seed the base models of the community; existing rows are left as administrators made them."""

from django.db import migrations

from models_registry.migrations._base_models import add_base_models


class Migration(migrations.Migration):
    dependencies = [("models_registry", "0001_initial")]
    operations = [
        migrations.RunPython(add_base_models, migrations.RunPython.noop, elidable=False)
    ]
