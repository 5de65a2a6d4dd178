"""Tests: real PostgreSQL and Valkey, a home of their own, cheap passwords."""

import atexit
import shutil
import tempfile
from pathlib import Path

from hub.settings.base import *  # noqa: F403

_HOME = Path(tempfile.mkdtemp(prefix="atelier-test-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
ATELIER_HOME = _HOME
STORAGE_URL = (_HOME / "storage").as_uri()
STATIC_ROOT = _HOME / "static"
STATIC_ROOT.mkdir()
SECRET_KEY = "tests-only"  # noqa: S105
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ALLOWED_HOSTS = ["*"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = False
TAG_COUNTS_SECONDS = 0  # each test has tags of its own
KEPT_CONNECTIONS = 0  # a database with open connections cannot be dropped
