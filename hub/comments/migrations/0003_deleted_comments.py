"""A deleted comment keeps its words for a while, so that it can be brought back."""
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from hub.core.create_models import CreateModels


class Migration(migrations.Migration):

    dependencies = [
        ('comments', '0002_from_models_and_pictures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='DeletedComment',
                fields=[
                    ('comment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='deletion', serialize=False, to='comments.comment')),
                    ('text', models.TextField()),
                    ('hidden_at', models.DateTimeField(blank=True, null=True)),
                    ('deleted_at', models.DateTimeField()),
                    ('deleted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deleted_comments', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'deleted comment',
                    'verbose_name_plural': 'deleted comments',
                    'indexes': [models.Index(fields=['deleted_at'], name='deleted_comment_by_time')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='deleted_comment_has_text')],
                },
            ),
        ]),
    ]
