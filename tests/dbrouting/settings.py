"""Settings of the dbrouting tests; conftest fills in hosts and ports.

DBROUTING_TEST_DRIVER=psycopg2 runs the suite on psycopg2, although psycopg 3 is installed.
"""

import os
import sys

DRIVER = os.environ.get("DBROUTING_TEST_DRIVER", "psycopg3")
if DRIVER == "psycopg2":
    sys.modules["psycopg"] = None  # Django then takes the other

SECRET_KEY = "tests"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "dbrouting",
    "tests.dbrouting.shop",
]
MIDDLEWARE = [
    "dbrouting.middleware.ReplicaMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "dbrouting.middleware.SessionPinMiddleware",
]
ROOT_URLCONF = "tests.dbrouting.shop.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "CONN_MAX_AGE": None,
        "OPTIONS": {"target_session_attrs": "read-write"},
    },
    "replica": {"ENGINE": "dbrouting.backends.postgresql", "REPLICAS": []},
}
DATABASE_ROUTERS = ["dbrouting.router.ReplicaRouter"]
DBROUTING = {"PROBE_INTERVAL": 0.2, "TRIP_SECONDS": 0.1, "LONGEST_TRIP_SECONDS": 0.5}
# What changes is timed by the loads.
LOGGING = {"version": 1, "loggers": {"dbrouting": {"level": "INFO"}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
