"""EMA weights of a file; and models by their whole name, in whatever case."""

from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):

    dependencies = [
        ('models_registry', '0009_comments_have_one_home'),
    ]

    operations = [
        migrations.AddField(
            model_name='modelfile',
            name='ema',
            field=models.CharField(blank=True, choices=[('with', 'With EMA weights'), ('only', 'EMA weights only'), ('without', 'Without EMA weights')], default='', max_length=7),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.CheckConstraint(condition=models.Q(('ema__in', ['', 'with', 'only', 'without'])), name='file_ema_known'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(Upper('name'), name='model_by_name_in_any_case'),
        ),
    ]
