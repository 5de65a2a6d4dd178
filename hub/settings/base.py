"""What every environment shares. Values that differ come from the environment, through `_env`."""

from pathlib import Path
from urllib.parse import urlsplit

from frontend.settings_fragment import (
    ACCOUNT_FORMS,  # noqa: F401
    CONTENT_SECURITY_POLICY,  # noqa: F401
    CONTEXT_PROCESSORS,
    CSRF_FAILURE_VIEW,  # noqa: F401
    FORM_RENDERER,  # noqa: F401
    FRONTEND_APPS,
    FRONTEND_MIDDLEWARE,
)
from hub.settings import _env
from hub.settings.limits import *  # noqa: F403  every limit is a setting; they have a file of their own

PROJECT_DIR = Path(__file__).resolve().parents[2]
ATELIER_HOME = _env.folder("HOME", PROJECT_DIR / ".atelier")

SECRET_KEY = _env.text("SECRET_KEY", "development-only-key-never-used-in-production")
DEBUG = False
ALLOWED_HOSTS = _env.words("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = _env.words("TRUSTED_ORIGINS")
SITE_NAME = _env.text("SITE_NAME", "Atelier")

INSTALLED_APPS = [
    *FRONTEND_APPS,
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "hub.core",
    "hub.storage",
    "hub.accounts",
    "hub.api",
    "hub.embedded",
    "hub.backup",
    "hub.demo",
    "models_registry",
    "gallery",
    "hub.comments",
    "training.datasets",
    "training.jobs",
    "training.worker",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "hub.core.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    *FRONTEND_MIDDLEWARE,
]

ROOT_URLCONF = "hub.urls"
ASGI_APPLICATION = "hub.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT_DIR / "frontend" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                *CONTEXT_PROCESSORS,
            ],
        },
    },
]

# How alike a word must be to count as mistyped (at 0.6, the default, two swapped letters do not),
# and what PostgreSQL should know of short queries on disks without moving parts: docs/adr/0025.
PLANNER = {
    "pg_trgm.word_similarity_threshold": "0.45",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
SEARCH_OPTIONS = {"options": " ".join(f"-c {name}={value}" for name, value in PLANNER.items())}
DATABASE_URL = _env.plain("DATABASE_URL", "postgresql:///atelier")
DATABASES = {"default": {**_env.database(DATABASE_URL, **SEARCH_OPTIONS), "CONN_MAX_AGE": 0}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

VALKEY_URL = _env.plain("VALKEY_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": VALKEY_URL,
        "KEY_PREFIX": "atelier",
    }
}
# What is published reaches every database of a server: the name keeps two hubs apart.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [VALKEY_URL], "prefix": f"atelier-ws{urlsplit(VALKEY_URL).path}"},
    }
}

CELERY_BROKER_URL = VALKEY_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_TASK_ROUTES = {"jobs.run_next_job": {"queue": "gpu"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "take back lost jobs": {"task": "jobs.reap_lost_jobs", "schedule": QUEUE_POLL_SECONDS},  # noqa: F405
    "look at files whose wake-up was lost": {
        "task": "models_registry.process_waiting_files",
        "schedule": 300,
    },
    "look at pictures whose wake-up was lost": {
        "task": "gallery.process_waiting_images",
        "schedule": 300,
    },
    "go on with imports that stopped": {"task": "datasets.resume_imports", "schedule": 300},
    "go on with files that are fetched": {
        "task": "models_registry.resume_imports",
        "schedule": 60,
    },
    "count models for their lists": {
        "task": "models_registry.keep_counts",
        "schedule": COUNTS_SECONDS,  # noqa: F405
    },
    "forget deleted comments": {"task": "comments.forget_deleted", "schedule": 300},
    "expire uploads": {"task": "storage.expire_uploads", "schedule": 3600},
    "collect garbage": {"task": "storage.collect_garbage", "schedule": 6 * 3600},
}

STORAGE_URL = _env.plain("STORAGE_URL", (ATELIER_HOME / "storage").as_uri())
STORAGE_INTERNAL_PREFIX = _env.text("STORAGE_INTERNAL_PREFIX")
CLAMAV_URL = _env.clamd("CLAMAV_URL")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "hub.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = _env.text(
    "EMAIL_VERIFICATION", "none", choices=("none", "optional", "mandatory")
)
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_USERNAME_VALIDATORS = "hub.accounts.validators.username_validators"

# Mails: shown in the log only, until EMAIL_BACKEND is django.core.mail.backends.smtp.EmailBackend
EMAIL_BACKEND = _env.text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = _env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = _env.integer("EMAIL_PORT", 587, minimum=1, maximum=65535)
EMAIL_USE_TLS = _env.flag("EMAIL_STARTTLS", default=True)
EMAIL_HOST_USER = _env.text("EMAIL_USER")
EMAIL_HOST_PASSWORD = _env.text("EMAIL_PASSWORD")
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = _env.text("EMAIL_FROM", "atelier@localhost")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [PROJECT_DIR / "frontend" / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_TZ = True
TIME_ZONE = _env.text("TIME_ZONE", "UTC")

STATIC_URL = "/static/"
STATIC_ROOT = _env.folder("STATIC_ROOT", ATELIER_HOME / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = ATELIER_HOME / "media-unused"

SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "hub.api.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PARSER_CLASSES": [
        "hub.api.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "hub.api.native.schema.NativeSchema",
    "EXCEPTION_HANDLER": "hub.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Atelier",
    "DESCRIPTION": "Everything a person can do on a page, for programs.",
    "VERSION": "2",
    "SERVE_INCLUDE_SCHEMA": False,
    # The values stand in `enum` already; a list of them in words would be in the reader's language.
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": _env.text("LOG_LEVEL", "INFO")},
}
