"""The tables of the queue as 0001 to 0003 leave them, in one step for new databases (ADR 43)."""

import django.contrib.postgres.fields
import django.db.models.deletion
import hub.core.ids
import training.jobs.models.job
from django.conf import settings
from django.db import migrations, models

from hub.core.create_models import CreateModels


class Migration(migrations.Migration):

    replaces = [
        ('jobs', '0001_initial'),
        ('jobs', '0002_failure_values_and_grids'),
        ('jobs', '0003_comparisons'),
    ]

    initial = True

    dependencies = [
        ('accounts', '0002_initial'),
        ('datasets', '0001_initial'),
        ('gallery', '0001_initial'),
        ('models_registry', '0004_version_advice'),
        ('storage', '0002_upload_remembers_its_hash'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            sql="CREATE SEQUENCE jobs_job_number", reverse_sql="DROP SEQUENCE jobs_job_number"
        ),
        CreateModels([
            migrations.CreateModel(
                name='WorkerNode',
                fields=[
                    ('id', models.UUIDField(default=hub.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                    ('name', models.CharField(max_length=200, unique=True)),
                    ('device', models.CharField(choices=[('cpu', 'CPU'), ('cuda', 'GPU (CUDA)')], default='cpu', max_length=8)),
                    ('device_name', models.CharField(blank=True, max_length=200)),
                    ('memory_bytes', models.BigIntegerField()),
                    ('engine_version', models.CharField(blank=True, max_length=40)),
                    ('started_at', models.DateTimeField()),
                    ('seen_at', models.DateTimeField()),
                ],
                options={
                    'indexes': [models.Index(fields=['seen_at'], name='workers_by_sign_of_life')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('device__in', ['cpu', 'cuda'])), name='worker_device_known'), models.CheckConstraint(condition=models.Q(('memory_bytes__gt', 0)), name='worker_has_memory')],
                },
            ),
            migrations.CreateModel(
                name='Job',
                fields=[
                    ('id', models.UUIDField(default=hub.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                    ('number', models.BigIntegerField(db_default=training.jobs.models.job.NextNumber(), editable=False, unique=True)),
                    ('name', models.CharField(max_length=120)),
                    ('method', models.CharField(choices=[('lora', 'LoRA'), ('dreambooth', 'DreamBooth'), ('textual_inversion', 'Textual Inversion'), ('hypernetwork', 'Hypernetwork')], default='lora', max_length=20)),
                    ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('paused', 'Paused'), ('canceling', 'Canceling'), ('canceled', 'Canceled'), ('succeeded', 'Done'), ('failed', 'Failed')], default='queued', max_length=10)),
                    ('base_sha256', models.CharField(blank=True, max_length=64)),
                    ('config', models.JSONField()),
                    ('preset', models.CharField(blank=True, max_length=40)),
                    ('priority', models.SmallIntegerField(default=0)),
                    ('min_memory_bytes', models.BigIntegerField(default=0)),
                    ('estimated_seconds', models.FloatField(blank=True, null=True)),
                    ('device_wish', models.CharField(blank=True, choices=[('cpu', 'CPU'), ('cuda', 'GPU (CUDA)')], max_length=8)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('queued_at', models.DateTimeField()),
                    ('claimed_at', models.DateTimeField(blank=True, null=True)),
                    ('started_at', models.DateTimeField(blank=True, null=True)),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ('attempt', models.PositiveIntegerField(default=0)),
                    ('fruitless_attempts', models.PositiveIntegerField(default=0)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('requested_command', models.CharField(blank=True, choices=[('stop', 'Stop and keep'), ('pause', 'Pause'), ('cancel', 'Cancel')], max_length=6)),
                    ('run_folder', models.UUIDField(blank=True, null=True)),
                    ('engine_sequence', models.BigIntegerField(default=0)),
                    ('last_sequence', models.BigIntegerField(default=0)),
                    ('stage', models.CharField(blank=True, max_length=40)),
                    ('stage_detail', models.TextField(blank=True)),
                    ('step', models.PositiveIntegerField(default=0)),
                    ('total_steps', models.PositiveIntegerField(default=0)),
                    ('epoch', models.PositiveIntegerField(default=0)),
                    ('total_epochs', models.PositiveIntegerField(default=0)),
                    ('loss', models.FloatField(blank=True, null=True)),
                    ('learning_rate', models.FloatField(blank=True, null=True)),
                    ('memory_bytes', models.BigIntegerField(blank=True, null=True)),
                    ('steps_per_second', models.FloatField(blank=True, null=True)),
                    ('eta_seconds', models.FloatField(blank=True, null=True)),
                    ('finish_reason', models.CharField(blank=True, max_length=12)),
                    ('error_code', models.CharField(blank=True, max_length=60)),
                    ('error_message', models.TextField(blank=True)),
                    ('engine_version', models.CharField(blank=True, max_length=40)),
                    ('base_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='training_jobs', to='models_registry.modelversion')),
                    ('continues', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='continued_by', to='jobs.job')),
                    ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to=settings.AUTH_USER_MODEL)),
                    ('published_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='made_by_jobs', to='models_registry.modelversion')),
                    ('snapshot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='datasets.snapshot')),
                    ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='accounts.team')),
                    ('worker', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='jobs.workernode')),
                    ('error_params', models.JSONField(blank=True, default=dict)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'paused', 'canceling', 'canceled', 'succeeded', 'failed'])), name='job_state_known'), models.CheckConstraint(condition=models.Q(('method__in', ['lora', 'dreambooth', 'textual_inversion', 'hypernetwork'])), name='job_method_known'), models.CheckConstraint(condition=models.Q(models.Q(('attempt__gte', 1), ('lease_until__isnull', False), ('state__in', ('running', 'canceling'))), models.Q(models.Q(('state__in', ('running', 'canceling')), _negated=True), ('lease_until__isnull', True)), _connector='OR'), name='job_lease_only_while_running'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state__in', ['canceled', 'failed', 'succeeded'])), models.Q(models.Q(('state__in', ['canceled', 'failed', 'succeeded']), _negated=True), ('finished_at__isnull', True)), _connector='OR'), name='job_finished_only_in_final_states')],
                    'indexes': [models.Index(condition=models.Q(('state', 'queued')), fields=['-priority', 'queued_at', 'id'], name='jobs_in_line'), models.Index(condition=models.Q(('state__in', ('running', 'canceling'))), fields=['lease_until'], name='jobs_by_lease'), models.Index(fields=['team', '-claimed_at'], name='jobs_claimed_of_team'), models.Index(fields=['owner', '-claimed_at'], name='jobs_claimed_of_owner'), models.Index(fields=['team', '-created_at', '-id'], name='jobs_of_team_newest')],
                },
            ),
            migrations.CreateModel(
                name='Comparison',
                fields=[
                    ('id', models.UUIDField(default=hub.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                    ('total_cells', models.PositiveIntegerField()),
                    ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Drawing'), ('done', 'Done'), ('failed', 'Failed'), ('canceled', 'Canceled')], default='queued', max_length=8)),
                    ('attempt', models.PositiveIntegerField(default=0)),
                    ('fruitless_attempts', models.PositiveIntegerField(default=0)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('error_code', models.CharField(blank=True, max_length=60)),
                    ('error_params', models.JSONField(blank=True, default=dict)),
                    ('error_message', models.TextField(blank=True)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ('prompts', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                    ('negative', models.TextField(blank=True)),
                    ('seeds', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                    ('steps', models.PositiveSmallIntegerField()),
                    ('guidance', models.FloatField()),
                    ('sampler', models.CharField(blank=True, max_length=60)),
                    ('width', models.PositiveIntegerField(blank=True, null=True)),
                    ('height', models.PositiveIntegerField(blank=True, null=True)),
                    ('clip_skip', models.PositiveSmallIntegerField(default=1)),
                    ('min_memory_bytes', models.BigIntegerField(default=0)),
                    ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comparisons', to=settings.AUTH_USER_MODEL)),
                    ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comparisons', to='models_registry.modelversion')),
                    ('worker', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='comparisons', to='jobs.workernode')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'done', 'failed', 'canceled'])), name='comparison_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), ('lease_until__isnull', False)), models.Q(models.Q(('state', 'running'), _negated=True), ('lease_until__isnull', True)), _connector='OR'), name='comparison_lease_only_while_running')],
                    'indexes': [models.Index(condition=models.Q(('state', 'queued')), fields=['created_at', 'id'], name='comparisons_in_line'), models.Index(condition=models.Q(('state', 'running')), fields=['lease_until'], name='comparisons_by_lease'), models.Index(fields=['version', '-created_at', '-id'], name='comparisons_of_version')],
                },
            ),
            migrations.CreateModel(
                name='JobArtifact',
                fields=[
                    ('id', models.UUIDField(default=hub.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                    ('kind', models.CharField(choices=[('checkpoint', 'Checkpoint'), ('sample', 'Sample'), ('state', 'Saved state'), ('log', 'Log')], max_length=10)),
                    ('name', models.CharField(max_length=255)),
                    ('epoch', models.PositiveIntegerField(default=0)),
                    ('step', models.PositiveIntegerField(default=0)),
                    ('prompt_index', models.PositiveIntegerField(blank=True, null=True)),
                    ('loss', models.FloatField(blank=True, null=True)),
                    ('is_final', models.BooleanField(default=False)),
                    ('is_pick', models.BooleanField(default=False)),
                    ('data', models.JSONField(blank=True, default=dict)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('blob', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='job_artifacts', to='storage.blob')),
                    ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='artifacts', to='jobs.job')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('job', 'name'), name='artifact_once_per_path'), models.UniqueConstraint(condition=models.Q(('is_pick', True)), fields=('job',), name='one_pick_per_job'), models.CheckConstraint(condition=models.Q(('kind__in', ['checkpoint', 'sample', 'state', 'log'])), name='artifact_kind_known')],
                    'indexes': [models.Index(fields=['job', 'kind', 'step', 'prompt_index'], name='artifacts_in_order')],
                },
            ),
            migrations.CreateModel(
                name='JobEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('sequence', models.BigIntegerField()),
                    ('kind', models.CharField(choices=[('state', 'State'), ('stage', 'Stage'), ('started', 'Started'), ('stepped', 'Stepped'), ('validated', 'Validated'), ('artifact', 'Artifact'), ('warned', 'Warned'), ('published', 'Published')], max_length=12)),
                    ('at', models.DateTimeField()),
                    ('data', models.JSONField()),
                    ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='jobs.job')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('job', 'sequence'), name='event_number_once_per_job')],
                },
            ),
            migrations.CreateModel(
                name='ComparisonColumn',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveSmallIntegerField()),
                    ('base_name', models.CharField(max_length=220)),
                    ('vae_name', models.CharField(blank=True, max_length=220)),
                    ('is_applied', models.BooleanField(default=False)),
                    ('weight', models.FloatField(blank=True, null=True)),
                    ('base', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models_registry.modelversion')),
                    ('comparison', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='columns', to='jobs.comparison')),
                    ('vae', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models_registry.modelversion')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('is_applied', True), ('weight__isnull', True), _connector='OR'), name='comparison_weight_of_what_is_applied'), models.UniqueConstraint(fields=('comparison', 'position'), name='comparison_column_place_once')],
                },
            ),
            migrations.CreateModel(
                name='JobPublication',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('artifact', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='publication', to='jobs.jobartifact')),
                    ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='publications', to='jobs.job')),
                    ('post', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='publication', to='gallery.post')),
                    ('published_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='job_publications', to=settings.AUTH_USER_MODEL)),
                    ('version', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='publication', to='models_registry.modelversion')),
                ],
            ),
            migrations.CreateModel(
                name='PreviewGrid',
                fields=[
                    ('id', models.UUIDField(default=hub.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                    ('prompts', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                    ('weights', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                    ('guidances', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                    ('seeds', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                    ('total_cells', models.PositiveIntegerField()),
                    ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Drawing'), ('done', 'Done'), ('failed', 'Failed'), ('canceled', 'Canceled')], default='queued', max_length=8)),
                    ('attempt', models.PositiveIntegerField(default=0)),
                    ('fruitless_attempts', models.PositiveIntegerField(default=0)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('error_code', models.CharField(blank=True, max_length=60)),
                    ('error_params', models.JSONField(blank=True, default=dict)),
                    ('error_message', models.TextField(blank=True)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ('checkpoints', models.ManyToManyField(related_name='grids', to='jobs.jobartifact')),
                    ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grids', to='jobs.job')),
                    ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='preview_grids', to=settings.AUTH_USER_MODEL)),
                    ('worker', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='grids', to='jobs.workernode')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'done', 'failed', 'canceled'])), name='grid_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), ('lease_until__isnull', False)), models.Q(models.Q(('state', 'running'), _negated=True), ('lease_until__isnull', True)), _connector='OR'), name='grid_lease_only_while_running')],
                    'indexes': [models.Index(condition=models.Q(('state', 'queued')), fields=['created_at', 'id'], name='grids_in_line'), models.Index(condition=models.Q(('state', 'running')), fields=['lease_until'], name='grids_by_lease')],
                },
            ),
            migrations.CreateModel(
                name='ComparisonCell',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('prompt_index', models.PositiveSmallIntegerField()),
                    ('seed', models.BigIntegerField()),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('blob', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comparison_cells', to='storage.blob')),
                    ('column', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cells', to='jobs.comparisoncolumn')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('column', 'prompt_index', 'seed'), name='comparison_cell_once')],
                },
            ),
            migrations.CreateModel(
                name='GridCell',
                fields=[
                    ('id', models.UUIDField(default=hub.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                    ('prompt_index', models.PositiveIntegerField()),
                    ('weight', models.FloatField(blank=True, null=True)),
                    ('guidance', models.FloatField()),
                    ('seed', models.BigIntegerField()),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('blob', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grid_cells', to='storage.blob')),
                    ('checkpoint', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='grid_cells', to='jobs.jobartifact')),
                    ('grid', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cells', to='jobs.previewgrid')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('grid', 'prompt_index', 'checkpoint', 'weight', 'guidance', 'seed'), name='grid_cell_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('checkpoint__isnull', False), ('weight__isnull', True), _connector='OR'), name='grid_cell_of_the_base_has_no_weight')],
                },
            ),
        ]),
    ]
