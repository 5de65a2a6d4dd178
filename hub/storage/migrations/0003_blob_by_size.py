from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("storage", "0002_upload_remembers_its_hash")]

    operations = [
        migrations.AddIndex(
            model_name="blob",
            index=models.Index(fields=["size_bytes"], name="blob_by_size"),
        ),
    ]
