"""A small Django shop that the tests of `origin` drive, in process and behind real servers."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent

SECRET_KEY = "the shop of the tests of origin"
DEBUG = False
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.origin.shop.urls"
LOGIN_URL = "/login/"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "origin",
]
MIDDLEWARE = [
    "origin.middleware.TwoPassMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(HERE / "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE", ":memory:"),
    }
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "shells": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "shells",
    },
}
TWOPASS = {
    "SECRET": "a-secret-of-the-tests-long-enough-to-be-one",
    "STRICT": True,
    "CACHE": "shells",
    "DIMENSIONS": {
        "currency": {"source": "cookie", "values": ["EUR", "USD"], "default": "EUR"},
        "banner": {"source": "bucket", "field": "ab_banner", "weights": {"a": 1, "b": 1}},
        "device": {
            "source": "header",
            "field": "User-Agent",
            "values": ["desktop", "mobile"],
            "matches": {"Mobile": "mobile"},
        },
        "tier": {"source": "context", "values": ["retail", "trade"], "default": "retail"},
    },
    "CONTEXT": "tests.origin.shop.accounts.context",
    "BYPASS_COOKIES": ["preview"],
}
