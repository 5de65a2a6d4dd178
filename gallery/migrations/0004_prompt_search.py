"""Pictures are found by the words of their prompts; those that are here are indexed, too."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

from models_registry.search_text import prompt_words

PROMPT_CHARACTERS = 20_000
BATCH = 2_000


def index_prompts(apps, schema_editor):
    generations = apps.get_model("gallery", "Generation")
    rows = generations.objects.exclude(prompt="").only("pk", "prompt").order_by("pk")
    batch = []
    for row in rows.iterator(chunk_size=BATCH):
        row.search_words = prompt_words(row.prompt, most=PROMPT_CHARACTERS)
        batch.append(row)
        if len(batch) == BATCH:
            generations.objects.bulk_update(batch, ["search_words"])
            batch.clear()
    generations.objects.bulk_update(batch, ["search_words"])


class Migration(migrations.Migration):

    dependencies = [
        ("gallery", "0003_comments_have_one_home"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="search_words",
            field=models.TextField(blank=True, editable=False, default=""),
            preserve_default=False,
        ),
        migrations.RunPython(index_prompts, migrations.RunPython.noop),
        migrations.AddField(
            model_name="generation",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.contrib.postgres.search.SearchVector("search_words", config="simple"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="generation_search"),
        ),
    ]
