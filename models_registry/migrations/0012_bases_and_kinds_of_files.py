"""Base models and kinds of files, written on the model: lists need not look at its versions."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

#: What services.counters.refresh_facts writes from now on, for the models that are there.
FILL = """
UPDATE models_registry_model AS model
SET base_ids = coalesce(of_versions.base_ids, '{}'), file_kinds = coalesce(of_files.words, '{}')
FROM (
    SELECT model_id, array_agg(DISTINCT base_model_id ORDER BY base_model_id)
        FILTER (WHERE base_model_id IS NOT NULL) AS base_ids
    FROM models_registry_modelversion WHERE status IN ('Published', 'Archived') GROUP BY model_id
) AS of_versions LEFT JOIN (
    SELECT version.model_id, array_agg(DISTINCT word COLLATE "C" ORDER BY word COLLATE "C") AS words
    FROM models_registry_modelfile AS file
    JOIN models_registry_modelversion AS version ON version.id = file.version_id
    CROSS JOIN LATERAL (VALUES
        (file.format || '/' || file.precision), (file.format || '/'), ('/' || file.precision)
    ) AS forms(word)
    WHERE file.scan_status = 'Success' AND version.status IN ('Published', 'Archived')
        AND word <> '/'
    GROUP BY version.model_id
) AS of_files USING (model_id)
WHERE of_versions.model_id = model.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('models_registry', '0011_list_indexes_that_cover'),
    ]

    operations = [
        migrations.AddField(
            model_name='model',
            name='base_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, editable=False, size=None),
        ),
        migrations.AddField(
            model_name='model',
            name='file_kinds',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=25), blank=True, default=list, editable=False, size=None),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='model',
            index=django.contrib.postgres.indexes.GinIndex(fields=['base_ids', 'file_kinds'], name='model_bases_and_kinds'),
        ),
    ]
