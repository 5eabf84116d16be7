"""ASGI entry point: ``uvicorn examples.storefront.asgi:application``."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.storefront.settings")

application = get_asgi_application()
