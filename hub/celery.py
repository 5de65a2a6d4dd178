"""The Celery application: carries ids and wake-ups; PostgreSQL holds the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
# Django's checks would load every page and both APIs into each worker; `make test` runs them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("atelier")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
