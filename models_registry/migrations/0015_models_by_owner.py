"""A person's models in the order of their newest versions: found without a look at all others."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ("models_registry", "0014_stamps_of_models"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="model",
            index=models.Index(
                fields=["owner", "-last_version_at", "-id"],
                name="model_by_owner",
                condition=Q(status__in=["Published", "Archived"]),
            ),
        ),
    ]
