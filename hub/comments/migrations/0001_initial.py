"""One system of comments for models and pictures."""
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from hub.core.create_models import CreateModels


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('gallery', '0002_resource_index'),
        ('models_registry', '0008_list_indexes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Comment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.TextField(blank=True)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('edited_at', models.DateTimeField(blank=True, null=True)),
                    ('hidden_at', models.DateTimeField(blank=True, null=True)),
                    ('author', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to=settings.AUTH_USER_MODEL)),
                    ('image', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='gallery.image')),
                    ('model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='models_registry.model')),
                    ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='comments.comment')),
                ],
                options={
                    'verbose_name': 'comment',
                    'verbose_name_plural': 'comments',
                    'indexes': [models.Index(condition=models.Q(('model__isnull', False), ('parent__isnull', True)), fields=['model', '-id'], name='threads_of_model'), models.Index(condition=models.Q(('image__isnull', False), ('parent__isnull', True)), fields=['image', '-id'], name='threads_of_image')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('model__isnull', True), ('image__isnull', True), _connector='XOR'), name='comment_about_one_thing'), models.CheckConstraint(condition=models.Q(models.Q(('text', ''), _negated=True), ('hidden_at__isnull', False), _connector='OR'), name='comment_gone_is_hidden')],
                },
            ),
            migrations.CreateModel(
                name='Notice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reason', models.CharField(choices=[('mention', 'Named you'), ('answer', 'Answered you')], default='mention', max_length=8)),
                    ('seen_at', models.DateTimeField(blank=True, null=True)),
                    ('comment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='comments.comment')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comment_notices', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'notice of a comment',
                    'verbose_name_plural': 'notices of comments',
                    'indexes': [models.Index(fields=['person', '-id'], name='notices_newest'), models.Index(condition=models.Q(('seen_at__isnull', True)), fields=['person'], name='notices_unread')],
                    'constraints': [models.UniqueConstraint(fields=('comment', 'person'), name='told_once_of_a_comment'), models.CheckConstraint(condition=models.Q(('reason__in', ['mention', 'answer'])), name='notice_reason_known')],
                },
            ),
        ]),
    ]
