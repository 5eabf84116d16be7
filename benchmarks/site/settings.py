"""Settings of the benchmarks' site; BENCHMARK_MODE chooses who caches what."""

import os
from pathlib import Path

MODE = os.environ.get("BENCHMARK_MODE", "plain")
"""plain: no cache; cache_page: Django's cache middleware; fragments: its `{% cache %}` around each
text and each visitor's part; two_pass: behind an edge; ssi, esi: behind a cache that asks for each
part by itself; ajax: a script asks for all parts."""

SLOWNESS = 0.05
"""Seconds that a slow part takes."""

SECRET_KEY = "benchmarks-only"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "benchmarks.site.urls"
USE_TZ = True
DATABASES: dict[str, dict[str, str]] = {}
INSTALLED_APPS = ["django.contrib.sessions"]
SESSION_COOKIE_NAME = "sessionid"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
MIDDLEWARE = [
    "benchmarks.site.counting.Counting",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": False,
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
if MODE == "two_pass":
    INSTALLED_APPS += ["origin", "benchmarks.site"]
    MIDDLEWARE.insert(0, "origin.middleware.TwoPassMiddleware")
    TWOPASS = {"SECRET": os.environ["TWOPASS_SECRET"], "MAX_AGE": 3600}
elif MODE == "cache_page":
    MIDDLEWARE.insert(0, "django.middleware.cache.UpdateCacheMiddleware")
    MIDDLEWARE.append("django.middleware.cache.FetchFromCacheMiddleware")
    CACHE_MIDDLEWARE_SECONDS = 3600
CACHES = {
    "default": {
        # the fastest that Django has; its usual 300 entries would not hold 50 visitors' parts
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
