import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
import models_registry.models.model
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0002_initial'),
        ('storage', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        TrigramExtension(),
        migrations.CreateModel(
            name='BaseModel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('family', models.CharField(max_length=30)),
                ('ecosystem', models.CharField(max_length=30)),
                ('native_width', models.PositiveIntegerField(blank=True, null=True)),
                ('native_height', models.PositiveIntegerField(blank=True, null=True)),
                ('licence_name', models.CharField(blank=True, max_length=120)),
                ('licence_url', models.URLField(blank=True, max_length=300)),
                ('is_active', models.BooleanField(default=True)),
                ('sort', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'base model',
                'verbose_name_plural': 'base models',
                'constraints': [models.UniqueConstraint(fields=('name',), name='base_model_name_unique'), models.CheckConstraint(condition=models.Q(models.Q(('family', ''), _negated=True), models.Q(('ecosystem', ''), _negated=True)), name='base_model_family_known')],
            },
        ),
        migrations.CreateModel(
            name='Model',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(max_length=120)),
                ('slug', models.SlugField(max_length=140, unique=True)),
                ('type', models.CharField(choices=[('Checkpoint', 'Checkpoint'), ('TextualInversion', 'Embedding'), ('Hypernetwork', 'Hypernetwork'), ('AestheticGradient', 'Aesthetic gradient'), ('LORA', 'LoRA'), ('LoCon', 'LoCon'), ('DoRA', 'DoRA'), ('Controlnet', 'ControlNet'), ('Upscaler', 'Upscaler'), ('MotionModule', 'Motion module'), ('VAE', 'VAE'), ('TextEncoder', 'Text encoder'), ('UNet', 'UNet'), ('CLIPVision', 'CLIP vision'), ('Poses', 'Poses'), ('Wildcards', 'Wildcards'), ('Workflows', 'Workflows'), ('Detection', 'Detection'), ('Other', 'Other')], max_length=20)),
                ('checkpoint_type', models.CharField(blank=True, choices=[('Trained', 'Trained'), ('Merge', 'Merge')], default='', max_length=8)),
                ('subject', models.CharField(blank=True, choices=[('character', 'Character'), ('style', 'Style'), ('concept', 'Concept'), ('clothing', 'Clothing'), ('object', 'Object'), ('scene', 'Scene'), ('pose', 'Pose'), ('tool', 'Tool')], default='', max_length=10)),
                ('description', models.TextField(blank=True)),
                ('status', models.CharField(choices=[('Draft', 'Draft'), ('Published', 'Published'), ('Unpublished', 'Unpublished'), ('Archived', 'Archived')], default='Draft', max_length=12)),
                ('visibility', models.CharField(choices=[('public', 'Everyone on this hub'), ('team', 'My team'), ('private', 'Only me')], default='public', max_length=8)),
                ('allow_no_credit', models.BooleanField(default=True)),
                ('allow_commercial_use', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('Image', 'Sell generated pictures'), ('RentCivit', 'Use in paid generation on Civitai'), ('Rent', 'Use in paid generation services'), ('Sell', 'Sell the model or merges of it')], max_length=10), blank=True, default=models_registry.models.model.default_commercial_use, size=None)),
                ('allow_derivatives', models.BooleanField(default=True)),
                ('allow_different_license', models.BooleanField(default=True)),
                ('nsfw_level', models.PositiveSmallIntegerField(default=1)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('last_version_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_verified', models.BooleanField(default=False)),
                ('is_trained_here', models.BooleanField(default=False)),
                ('download_count', models.PositiveIntegerField(default=0)),
                ('thumbs_up_count', models.PositiveIntegerField(default=0)),
                ('thumbs_down_count', models.PositiveIntegerField(default=0)),
                ('rating_sum', models.PositiveIntegerField(default=0)),
                ('rating_count', models.PositiveIntegerField(default=0)),
                ('comment_count', models.PositiveIntegerField(default=0)),
                ('image_count', models.PositiveIntegerField(default=0)),
                ('bookmark_count', models.PositiveIntegerField(default=0)),
                ('search_words', models.TextField(blank=True, editable=False)),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('name', config='simple', weight='A'), '||', django.contrib.postgres.search.SearchVector('search_words', config='simple', weight='B'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector('description', config='english', weight='D'), django.contrib.postgres.search.SearchConfig('simple')), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='owned_models', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='models', to='accounts.team')),
            ],
            options={
                'verbose_name': 'model',
                'verbose_name_plural': 'models',
            },
        ),
        migrations.CreateModel(
            name='ModelVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('index', models.PositiveIntegerField()),
                ('name', models.CharField(max_length=80)),
                ('base_model_type', models.CharField(choices=[('Standard', 'Standard'), ('Inpainting', 'Inpainting'), ('Refiner', 'Refiner'), ('Pix2Pix', 'Pix2Pix')], default='Standard', max_length=10)),
                ('description', models.TextField(blank=True)),
                ('changelog', models.TextField(blank=True)),
                ('usage_tips', models.TextField(blank=True)),
                ('status', models.CharField(choices=[('Draft', 'Draft'), ('Published', 'Published'), ('Unpublished', 'Unpublished'), ('Archived', 'Archived')], default='Draft', max_length=12)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('weight_min', models.DecimalField(blank=True, decimal_places=2, max_digits=4, null=True)),
                ('weight_default', models.DecimalField(blank=True, decimal_places=2, max_digits=4, null=True)),
                ('weight_max', models.DecimalField(blank=True, decimal_places=2, max_digits=4, null=True)),
                ('clip_skip', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('sampler', models.CharField(blank=True, max_length=60)),
                ('steps', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('cfg_scale', models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True)),
                ('width', models.PositiveIntegerField(blank=True, null=True)),
                ('height', models.PositiveIntegerField(blank=True, null=True)),
                ('network_dim', models.PositiveIntegerField(blank=True, null=True)),
                ('network_alpha', models.FloatField(blank=True, null=True)),
                ('epochs', models.PositiveIntegerField(blank=True, null=True)),
                ('training_steps', models.PositiveIntegerField(blank=True, null=True)),
                ('nsfw_level', models.PositiveSmallIntegerField(default=1)),
                ('requires_sign_in', models.BooleanField(default=False)),
                ('early_access_until', models.DateTimeField(blank=True, null=True)),
                ('download_count', models.PositiveIntegerField(default=0)),
                ('thumbs_up_count', models.PositiveIntegerField(default=0)),
                ('thumbs_down_count', models.PositiveIntegerField(default=0)),
                ('rating_sum', models.PositiveIntegerField(default=0)),
                ('rating_count', models.PositiveIntegerField(default=0)),
                ('job_uuid', models.UUIDField(blank=True, null=True)),
                ('dataset_snapshot_uuid', models.UUIDField(blank=True, null=True)),
                ('snapshot_hash', models.CharField(blank=True, max_length=64)),
                ('base_model_sha256', models.CharField(blank=True, max_length=64)),
                ('engine_version', models.CharField(blank=True, max_length=40)),
                ('training_config', models.JSONField(blank=True, null=True)),
                ('base_model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='models_registry.basemodel')),
                ('base_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='derived_versions', to='models_registry.modelversion')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='models_registry.model')),
            ],
            options={
                'verbose_name': 'model version',
                'verbose_name_plural': 'model versions',
            },
        ),
        migrations.CreateModel(
            name='ModelFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(max_length=255)),
                ('override_name', models.CharField(blank=True, max_length=255)),
                ('kind', models.CharField(choices=[('Model', 'Model'), ('Pruned Model', 'Pruned model'), ('Negative', 'Negative embedding'), ('VAE', 'VAE'), ('Text Encoder', 'Text encoder'), ('UNet', 'UNet'), ('Diffusion Model', 'Diffusion model'), ('ControlNet', 'ControlNet'), ('Upscaler', 'Upscaler'), ('Training Data', 'Training data'), ('Config', 'Config'), ('Archive', 'Archive'), ('Workflow', 'Workflow'), ('Other', 'Other')], default='Model', max_length=20)),
                ('format', models.CharField(choices=[('SafeTensor', 'SafeTensor'), ('PickleTensor', 'PickleTensor'), ('GGUF', 'GGUF'), ('Diffusers', 'Diffusers'), ('ONNX', 'ONNX'), ('Core ML', 'Core ML'), ('Other', 'Other')], default='Other', max_length=14)),
                ('size_kind', models.CharField(blank=True, choices=[('full', 'Full'), ('pruned', 'Pruned')], default='', max_length=6)),
                ('precision', models.CharField(blank=True, default='', max_length=10)),
                ('is_primary', models.BooleanField(default=False)),
                ('scan_status', models.CharField(choices=[('Pending', 'Checking'), ('Success', 'Verified'), ('Danger', 'Dangerous'), ('Error', 'Not cleared')], default='Pending', max_length=8)),
                ('scan_message', models.TextField(blank=True)),
                ('scan_report', models.JSONField(blank=True, default=dict)),
                ('scanned_at', models.DateTimeField(blank=True, null=True)),
                ('header', models.JSONField(blank=True, null=True)),
                ('tensor_count', models.PositiveIntegerField(blank=True, null=True)),
                ('parameter_count', models.BigIntegerField(blank=True, null=True)),
                ('sshs', models.CharField(blank=True, max_length=64)),
                ('blob', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='model_files', to='storage.blob')),
                ('uploaded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='uploaded_model_files', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='models_registry.modelversion')),
            ],
            options={
                'verbose_name': 'model file',
                'verbose_name_plural': 'model files',
            },
        ),
        migrations.AddField(
            model_name='model',
            name='latest_version',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models_registry.modelversion'),
        ),
        migrations.CreateModel(
            name='Download',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('visitor', models.CharField(blank=True, max_length=32)),
                ('download_date', models.DateField()),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='model_downloads', to=settings.AUTH_USER_MODEL)),
                ('file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='downloads', to='models_registry.modelfile')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='downloads', to='models_registry.modelversion')),
            ],
            options={
                'verbose_name': 'download',
                'verbose_name_plural': 'downloads',
            },
        ),
        migrations.CreateModel(
            name='RecommendedResource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160)),
                ('kind', models.CharField(choices=[('checkpoint', 'Checkpoint'), ('vae', 'VAE'), ('embedding', 'Embedding'), ('negative_embedding', 'Negative embedding'), ('lora', 'LoRA'), ('hypernetwork', 'Hypernetwork'), ('upscaler', 'Upscaler'), ('other', 'Other')], max_length=20)),
                ('weight', models.DecimalField(blank=True, decimal_places=2, max_digits=4, null=True)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('resource_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='recommended_by', to='models_registry.modelversion')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recommended_resources', to='models_registry.modelversion')),
            ],
            options={
                'verbose_name': 'recommended resource',
                'verbose_name_plural': 'recommended resources',
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('rating', models.PositiveSmallIntegerField()),
                ('recommended', models.BooleanField()),
                ('text', models.TextField(blank=True)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to=settings.AUTH_USER_MODEL)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='models_registry.model')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='models_registry.modelversion')),
            ],
            options={
                'verbose_name': 'review',
                'verbose_name_plural': 'reviews',
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
            ],
            options={
                'verbose_name': 'tag',
                'verbose_name_plural': 'tags',
                'constraints': [models.UniqueConstraint(fields=('name',), name='tag_name_unique'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='tag_name_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='ModelTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='model_tags', to='models_registry.model')),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='model_tags', to='models_registry.tag')),
            ],
        ),
        migrations.AddField(
            model_name='model',
            name='tags',
            field=models.ManyToManyField(related_name='models', through='models_registry.ModelTag', to='models_registry.tag'),
        ),
        migrations.CreateModel(
            name='TriggerWordSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(blank=True, max_length=60)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trigger_word_sets', to='models_registry.modelversion')),
            ],
            options={
                'verbose_name': 'trigger word set',
                'verbose_name_plural': 'trigger word sets',
            },
        ),
        migrations.CreateModel(
            name='TriggerWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=300)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('set', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='words', to='models_registry.triggerwordset')),
            ],
            options={
                'verbose_name': 'trigger word',
                'verbose_name_plural': 'trigger words',
            },
        ),
        migrations.CreateModel(
            name='VersionCover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('average_colour', models.CharField(blank=True, max_length=7)),
                ('placeholder', models.TextField(blank=True)),
                ('blurhash', models.CharField(blank=True, max_length=60)),
                ('nsfw_level', models.PositiveSmallIntegerField(default=1)),
                ('generation_text', models.TextField(blank=True)),
                ('blob', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='covers', to='storage.blob')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='covers', to='models_registry.modelversion')),
            ],
            options={
                'verbose_name': 'cover',
                'verbose_name_plural': 'covers',
            },
        ),
        migrations.CreateModel(
            name='ExamplePrompt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('prompt', models.TextField()),
                ('negative', models.TextField(blank=True)),
                ('note', models.TextField(blank=True)),
                ('sampler', models.CharField(blank=True, max_length=60)),
                ('steps', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('cfg_scale', models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True)),
                ('weight', models.DecimalField(blank=True, decimal_places=2, max_digits=4, null=True)),
                ('seed', models.BigIntegerField(blank=True, null=True)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='example_prompts', to='models_registry.modelversion')),
                ('cover', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='example_prompts', to='models_registry.versioncover')),
            ],
            options={
                'verbose_name': 'example prompt',
                'verbose_name_plural': 'example prompts',
            },
        ),
        migrations.CreateModel(
            name='Bookmark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='model_bookmarks', to=settings.AUTH_USER_MODEL)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bookmarks', to='models_registry.model')),
            ],
            options={
                'verbose_name': 'bookmark',
                'verbose_name_plural': 'bookmarks',
                'constraints': [models.UniqueConstraint(fields=('user', 'model'), name='bookmark_once')],
            },
        ),
        migrations.CreateModel(
            name='ModelFileHash',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('SHA256', 'SHA256'), ('AutoV1', 'AutoV1'), ('AutoV2', 'AutoV2'), ('AutoV3', 'AutoV3'), ('BLAKE3', 'BLAKE3'), ('CRC32', 'CRC32'), ('SSHS', 'sshs_model_hash')], max_length=6)),
                ('value', models.CharField(max_length=64)),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hashes', to='models_registry.modelfile')),
            ],
            options={
                'verbose_name': 'file hash',
                'verbose_name_plural': 'file hashes',
                'indexes': [models.Index(fields=['value'], name='hash_by_prefix', opclasses=['varchar_pattern_ops'])],
                'constraints': [models.UniqueConstraint(fields=('file', 'kind'), name='hash_kind_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['SHA256', 'AutoV1', 'AutoV2', 'AutoV3', 'BLAKE3', 'CRC32', 'SSHS'])), name='hash_kind_known'), models.CheckConstraint(condition=models.Q(('value__regex', '^[0-9A-F]{8,64}$')), name='hash_is_upper_hex')],
            },
        ),
        migrations.AddIndex(
            model_name='modelversion',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['base_model', 'model'], name='version_by_base_model'),
        ),
        migrations.AddIndex(
            model_name='modelversion',
            index=models.Index(condition=models.Q(('job_uuid__isnull', False)), fields=['job_uuid'], name='version_by_job'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.UniqueConstraint(fields=('model', 'index'), name='version_index_once'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['Draft', 'Published', 'Unpublished', 'Archived'])), name='version_status_known'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('Published', 'Archived')), _negated=True), models.Q(('base_model__isnull', False), ('published_at__isnull', False)), _connector='OR'), name='version_published_is_complete'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(('weight_min__isnull', True), ('weight_default__isnull', True), ('weight_min__lte', models.F('weight_default')), _connector='OR'), name='version_weight_min_in_order'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(('weight_max__isnull', True), ('weight_default__isnull', True), ('weight_max__gte', models.F('weight_default')), _connector='OR'), name='version_weight_max_in_order'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.CheckConstraint(condition=models.Q(('nsfw_level__gte', 0), ('nsfw_level__lt', 64)), name='version_nsfw_bits'),
        ),
        migrations.AddIndex(
            model_name='modelfile',
            index=models.Index(condition=models.Q(('scan_status', 'Pending')), fields=['created_at'], name='file_waiting_for_scan'),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.UniqueConstraint(condition=models.Q(('is_primary', True)), fields=('version',), name='file_one_primary'),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.UniqueConstraint(fields=('version', 'blob'), name='file_content_once'),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['Model', 'Pruned Model', 'Negative', 'VAE', 'Text Encoder', 'UNet', 'Diffusion Model', 'ControlNet', 'Upscaler', 'Training Data', 'Config', 'Archive', 'Workflow', 'Other'])), name='file_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.CheckConstraint(condition=models.Q(('format__in', ['SafeTensor', 'PickleTensor', 'GGUF', 'Diffusers', 'ONNX', 'Core ML', 'Other'])), name='file_format_known'),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.CheckConstraint(condition=models.Q(('scan_status__in', ['Pending', 'Success', 'Danger', 'Error'])), name='file_scan_known'),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.CheckConstraint(condition=models.Q(('scan_status', 'Pending'), ('scanned_at__isnull', False), _connector='OR'), name='file_scanned_has_time'),
        ),
        migrations.AddConstraint(
            model_name='modelfile',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='file_has_name'),
        ),
        migrations.AddConstraint(
            model_name='download',
            constraint=models.UniqueConstraint(condition=models.Q(('user__isnull', False)), fields=('version', 'user', 'download_date'), name='download_once_a_day_by_user'),
        ),
        migrations.AddConstraint(
            model_name='download',
            constraint=models.UniqueConstraint(condition=models.Q(('visitor', ''), _negated=True), fields=('version', 'visitor', 'download_date'), name='download_once_a_day_by_visitor'),
        ),
        migrations.AddConstraint(
            model_name='recommendedresource',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='resource_position_once'),
        ),
        migrations.AddConstraint(
            model_name='recommendedresource',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['checkpoint', 'vae', 'embedding', 'negative_embedding', 'lora', 'hypernetwork', 'upscaler', 'other'])), name='resource_kind_known'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(fields=['model', '-created_at'], name='review_by_model'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.UniqueConstraint(fields=('version', 'author'), name='review_once'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('rating__gte', 1), ('rating__lte', 5)), name='review_rating_in_range'),
        ),
        migrations.AddConstraint(
            model_name='modeltag',
            constraint=models.UniqueConstraint(fields=('model', 'tag'), name='model_tag_once'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search'], name='model_search'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=django.contrib.postgres.indexes.GinIndex(fields=['name'], name='model_name_trigram', opclasses=['gin_trgm_ops']),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['-thumbs_up_count', '-download_count', '-id'], name='model_by_rating'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['-download_count', '-thumbs_up_count', '-id'], name='model_by_downloads'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['-last_version_at', '-id'], name='model_by_newest'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['-comment_count', '-id'], name='model_by_comments'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['-bookmark_count', '-id'], name='model_by_bookmarks'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['-image_count', '-id'], name='model_by_images'),
        ),
        migrations.AddIndex(
            model_name='model',
            index=models.Index(condition=models.Q(('status__in', ('Published', 'Archived'))), fields=['type', '-last_version_at', '-id'], name='model_by_type'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(('type__in', ['Checkpoint', 'TextualInversion', 'Hypernetwork', 'AestheticGradient', 'LORA', 'LoCon', 'DoRA', 'Controlnet', 'Upscaler', 'MotionModule', 'VAE', 'TextEncoder', 'UNet', 'CLIPVision', 'Poses', 'Wildcards', 'Workflows', 'Detection', 'Other'])), name='model_type_known'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['Draft', 'Published', 'Unpublished', 'Archived'])), name='model_status_known'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(('visibility__in', ['public', 'team', 'private'])), name='model_visibility_known'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(('subject__in', ['', 'character', 'style', 'concept', 'clothing', 'object', 'scene', 'pose', 'tool'])), name='model_subject_known'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(('checkpoint_type', ''), ('type', 'Checkpoint'), _connector='OR'), name='model_checkpoint_type_of_checkpoint'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('Published', 'Archived')), _negated=True), ('published_at__isnull', False), _connector='OR'), name='model_published_has_time'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('visibility', 'team'), _negated=True), ('team__isnull', False), _connector='OR'), name='model_team_visibility_has_team'),
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.CheckConstraint(condition=models.Q(('nsfw_level__gte', 0), ('nsfw_level__lt', 64)), name='model_nsfw_bits'),
        ),
        migrations.AddConstraint(
            model_name='triggerwordset',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='word_set_position_once'),
        ),
        migrations.AddConstraint(
            model_name='triggerwordset',
            constraint=models.UniqueConstraint(fields=('version', 'name'), name='word_set_name_once'),
        ),
        migrations.AddConstraint(
            model_name='triggerword',
            constraint=models.UniqueConstraint(fields=('set', 'position'), name='trigger_word_position_once'),
        ),
        migrations.AddConstraint(
            model_name='triggerword',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='trigger_word_not_empty'),
        ),
        migrations.AddConstraint(
            model_name='versioncover',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='cover_position_once'),
        ),
        migrations.AddConstraint(
            model_name='versioncover',
            constraint=models.UniqueConstraint(fields=('version', 'blob'), name='cover_picture_once'),
        ),
        migrations.AddConstraint(
            model_name='versioncover',
            constraint=models.CheckConstraint(condition=models.Q(('width__gt', 0), ('height__gt', 0)), name='cover_has_size'),
        ),
        migrations.AddConstraint(
            model_name='exampleprompt',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='example_position_once'),
        ),
        migrations.AddConstraint(
            model_name='exampleprompt',
            constraint=models.CheckConstraint(condition=models.Q(('prompt', ''), _negated=True), name='example_has_prompt'),
        ),
    ]
