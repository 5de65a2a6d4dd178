"""A number for each model that grows with every change of what belongs to it.

It has a table of its own: a change of a version would otherwise lock and rewrite the row of its
model, which other services lock before they lock versions.
"""

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE SEQUENCE models_registry_stamps;

CREATE FUNCTION models_registry_stamp_model(changed bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE models_registry_modelstamp SET value = nextval('models_registry_stamps')
    WHERE model_id = changed
$$;

CREATE FUNCTION models_registry_stamp_version(changed bigint) RETURNS void LANGUAGE sql AS $$
    SELECT models_registry_stamp_model(model_id) FROM models_registry_modelversion
    WHERE id = changed
$$;

CREATE FUNCTION models_registry_stamp_file(changed bigint) RETURNS void LANGUAGE sql AS $$
    SELECT models_registry_stamp_version(version_id) FROM models_registry_modelfile
    WHERE id = changed
$$;

CREATE FUNCTION models_registry_stamp_set(changed bigint) RETURNS void LANGUAGE sql AS $$
    SELECT models_registry_stamp_version(version_id) FROM models_registry_triggerwordset
    WHERE id = changed
$$;

CREATE FUNCTION models_registry_stamp_tag(changed bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM models_registry_stamp_model(model_id) FROM models_registry_modeltag
    WHERE tag_id = changed;
END $$;

CREATE FUNCTION models_registry_stamp_blob(changed bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM models_registry_stamp_version(version_id) FROM (
        SELECT version_id FROM models_registry_modelfile WHERE blob_id = changed
        UNION SELECT version_id FROM models_registry_versioncover WHERE blob_id = changed
    ) AS versions;
END $$;

CREATE FUNCTION models_registry_stamp_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO models_registry_modelstamp (model_id, value)
    VALUES (NEW.id, nextval('models_registry_stamps'));
    RETURN NULL;
END $$;
"""

#: Each row of a table belongs to what its column names: a model, a version, a file, a set of words.
PARTS = {
    "models_registry_modelversion": ("model_id", "model"),
    "models_registry_modeltag": ("model_id", "model"),
    "models_registry_modelfile": ("version_id", "version"),
    "models_registry_versioncover": ("version_id", "version"),
    "models_registry_triggerwordset": ("version_id", "version"),
    "models_registry_exampleprompt": ("version_id", "version"),
    "models_registry_recommendedresource": ("version_id", "version"),
    "models_registry_modelfilehash": ("file_id", "file"),
    "models_registry_triggerword": ("set_id", "set"),
}
#: Rows that several models may share: only what is in them can change.
SHARED = {"models_registry_tag": "tag", "storage_blob": "blob"}

PART = """
CREATE FUNCTION {table}_stamped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM models_registry_stamp_{kind}(OLD.{column}); END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.{column} <> OLD.{column}) THEN
        PERFORM models_registry_stamp_{kind}(NEW.{column});
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stamped AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_stamped();
"""
SHARE = """
CREATE FUNCTION {table}_stamped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM models_registry_stamp_{kind}(NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER stamped AFTER UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_stamped();
"""
MODEL = """
CREATE TRIGGER stamped AFTER INSERT ON models_registry_model
    FOR EACH ROW EXECUTE FUNCTION models_registry_stamp_new();
"""
FILL = """
INSERT INTO models_registry_modelstamp (model_id, value)
SELECT id, nextval('models_registry_stamps') FROM models_registry_model ORDER BY id
"""

TRIGGERS = (
    *(PART.format(table=table, column=column, kind=kind) for table, (column, kind) in PARTS.items()),
    *(SHARE.format(table=table, kind=kind) for table, kind in SHARED.items()),
    MODEL,
)
BACK = (
    *(f"DROP FUNCTION {table}_stamped() CASCADE" for table in (*PARTS, *SHARED)),
    "DROP FUNCTION models_registry_stamp_new() CASCADE",
    *(
        f"DROP FUNCTION models_registry_stamp_{kind}(bigint)"
        for kind in ("blob", "tag", "set", "file", "version", "model")
    ),
    "DROP SEQUENCE models_registry_stamps",
)


class Migration(migrations.Migration):

    dependencies = [
        ("models_registry", "0013_kinds_of_files_by_base"),
        ("storage", "0003_blob_by_size"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelStamp",
            fields=[
                (
                    "model",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="stamp",
                        serialize=False,
                        to="models_registry.model",
                    ),
                ),
                ("value", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "stamp of a model",
                "verbose_name_plural": "stamps of models",
            },
        ),
        migrations.RunSQL([FUNCTIONS, *TRIGGERS, FILL], [*BACK]),
    ]
