import os

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")
application = get_wsgi_application()
# Loads every view now, before the workers fork: the first request to each would do so otherwise.
resolve("/api/v1/redemptions")
