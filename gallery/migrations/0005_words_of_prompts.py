"""The words of all prompts, for searches by the beginnings of words."""

from django.db import migrations, models

FILL = """
INSERT INTO gallery_promptword (word)
SELECT DISTINCT word FROM gallery_generation, unnest(tsvector_to_array(search)) AS words(word)
"""


class Migration(migrations.Migration):

    dependencies = [
        ("gallery", "0004_prompt_search"),
    ]

    operations = [
        migrations.CreateModel(
            name="PromptWord",
            fields=[
                (
                    "word",
                    models.TextField(db_collation="C", primary_key=True, serialize=False),
                ),
            ],
            options={
                "verbose_name": "word of prompts",
                "verbose_name_plural": "words of prompts",
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
