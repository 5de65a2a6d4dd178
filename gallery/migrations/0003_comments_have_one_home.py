"""Comments under pictures are those of `hub.comments` now."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('gallery', '0002_resource_index'),
        ('comments', '0002_from_models_and_pictures'),
    ]

    operations = [
        migrations.DeleteModel(name='Comment'),
    ]
