"""Celery is the clock and the doorbell; the work itself waits in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")

app = Celery("fidelio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
