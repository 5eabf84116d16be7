"""Settings of the storefront. All that differs between machines comes from the environment.

``STOREFRONT_DATABASE_URL`` chooses PostgreSQL, ``STOREFRONT_REPLICAS`` its replicas,
``STOREFRONT_TWOPASS=off`` renders every page in one pass, ``STOREFRONT_SECRET_KEY`` and
``TWOPASS_SECRET`` are the secrets (``make demo`` generates both), ``STOREFRONT_DEBUG=1`` shows
Django's debug pages, ``STOREFRONT_HOSTS`` names the hosts served.
"""

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from .database import databases

BASE_DIR = Path(__file__).resolve().parent
VAR_DIR = Path(os.environ.get("STOREFRONT_VAR", BASE_DIR.parents[1] / "var"))
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = os.environ.get("STOREFRONT_DEBUG", "") == "1"
SECRET_KEY = os.environ.get("STOREFRONT_SECRET_KEY", "for-development-only-" + "x" * 40)
ALLOWED_HOSTS = os.environ.get("STOREFRONT_HOSTS", "127.0.0.1,localhost,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "examples.storefront.accounts",
    "examples.storefront.money",
    "examples.storefront.catalogue",
    "examples.storefront.basket",
    "examples.storefront.orders",
    "examples.storefront.blog",
    "examples.storefront.pages",
    "origin",
    "migrations_policy",
]

MIDDLEWARE = [
    "origin.middleware.TwoPassMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "examples.storefront.accounts.marker.GroupMarkerMiddleware",
    "examples.storefront.basket.middleware.BasketCookieMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "examples.storefront.urls"
WSGI_APPLICATION = "examples.storefront.wsgi.application"
ASGI_APPLICATION = "examples.storefront.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "examples.storefront.money.context.currency",
                "examples.storefront.pages.context.navigation",
            ],
            "builtins": ["origin.templatetags.twopass_auto"],
        },
    },
]

DATABASES = databases(
    os.environ.get("STOREFRONT_DATABASE_URL", ""),
    os.environ.get("STOREFRONT_REPLICAS", ""),
    VAR_DIR / "storefront.sqlite3",
)
if "replica" in DATABASES:
    INSTALLED_APPS.append("dbrouting")
    # inside the two passes, so that each of them reads what its visitor has written
    MIDDLEWARE.insert(1, "dbrouting.middleware.ReplicaMiddleware")
    DATABASE_ROUTERS = ["dbrouting.router.ReplicaRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if cache_url := os.environ.get("STOREFRONT_CACHE_URL", ""):
    # without an edge several processes need one cache, or each keeps what another has purged
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": cache_url}
    }

AUTH_USER_MODEL = "accounts.Customer"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "pages:home"
LOGOUT_REDIRECT_URL = "pages:home"

TWOPASS = {
    "ENABLED": os.environ.get("STOREFRONT_TWOPASS", "on") != "off",
    "SECRET": os.environ.get("TWOPASS_SECRET", ""),
    "ADMIN_TOKEN": os.environ.get("TWOPASS_ADMIN_TOKEN") or None,
    "EDGES": [edge for edge in os.environ.get("STOREFRONT_EDGES", "").split(",") if edge],
    "MAX_AGE": 600,
    "STALE_WHILE_REVALIDATE": 60,
    "STALE_IF_ERROR": 24 * 3600,
    "DIMENSIONS": {
        "currency": {"source": "cookie", "values": ["EUR", "CHF", "GBP", "USD"], "default": "EUR"},
        "consent": {
            "source": "cookie",
            "values": ["unset", "all", "essential"],
            "default": "unset",
        },
        "banner": {"source": "bucket", "field": "ab_banner", "weights": {"a": 50, "b": 50}},
    },
}

# between the levels of a process and the database, shared by all processes
DATACACHE = {
    "ENABLED": os.environ.get("STOREFRONT_DATACACHE", "on") != "off",
    "REDIS": os.environ.get("STOREFRONT_DATACACHE_URL", ""),
    "PROCESS_BYTES": int(os.environ.get("STOREFRONT_PROCESS_BYTES", 64 * 1024 * 1024)),
}

# migrate_guarded: after each phase pages and data that show a migrated table are dropped
MIGRATIONS_POLICY = {
    "guarded": True,
    "cached_models": ["catalogue.Product", "catalogue.Category", "catalogue.Collection"],
    "schema_version_hook": "examples.storefront.pages.releasing.drop_old_shapes",
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Europe/Berlin"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
