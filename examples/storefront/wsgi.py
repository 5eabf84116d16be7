"""WSGI entry point: ``gunicorn examples.storefront.wsgi``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.storefront.settings")

application = get_wsgi_application()
