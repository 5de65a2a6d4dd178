"""Kinds of files with the base model of their version: both together are found by one index."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

#: What services.counters.refresh_facts writes from now on, for the models that are there.
FILL = """
UPDATE models_registry_model AS model SET file_kinds = of_files.words
FROM (
    SELECT version.model_id, array_agg(DISTINCT word COLLATE "C" ORDER BY word COLLATE "C") AS words
    FROM models_registry_modelfile AS file
    JOIN models_registry_modelversion AS version ON version.id = file.version_id
    CROSS JOIN LATERAL (VALUES
        (file.format || '/' || file.precision), (file.format || '/'), ('/' || file.precision)
    ) AS forms(form)
    CROSS JOIN LATERAL (VALUES (form), (version.base_model_id || ':' || form)) AS words(word)
    WHERE file.scan_status = 'Success' AND version.status IN ('Published', 'Archived')
        AND form <> '/' AND word IS NOT NULL
    GROUP BY version.model_id
) AS of_files
WHERE of_files.model_id = model.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('models_registry', '0012_bases_and_kinds_of_files'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='model',
            name='model_bases_and_kinds',
        ),
        migrations.AlterField(
            model_name='model',
            name='file_kinds',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), blank=True, default=list, editable=False, size=None),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='model',
            index=django.contrib.postgres.indexes.GinIndex(fields=['base_ids', 'file_kinds'], name='model_bases_and_kinds'),
        ),
    ]
