"""Comments on models are those of `hub.comments` now."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('models_registry', '0008_list_indexes'),
        ('comments', '0002_from_models_and_pictures'),
    ]

    operations = [
        migrations.DeleteModel(name='CommentMention'),
        migrations.DeleteModel(name='ModelComment'),
    ]
