from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.origin.settings")
# pytest-django looks for settings before it reads this file, so the apps are loaded here
django.setup()
