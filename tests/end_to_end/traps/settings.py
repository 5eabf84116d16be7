import os
from pathlib import Path

BASE = Path(__file__).parent
SECRET_KEY = "traps-" + "x" * 40
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.end_to_end.traps.urls"
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
if os.environ.get("TRAPS_LOGIN_WALL"):
    MIDDLEWARE.insert(-1, "django.contrib.auth.middleware.LoginRequiredMiddleware")
if os.environ.get("TRAPS_HTTPS"):
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
CSRF_USE_SESSIONS = bool(os.environ.get("TRAPS_CSRF_IN_SESSION"))
USE_X_FORWARDED_HOST = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "origin.templatetags.twopass",
                "origin.templatetags.twopass_auto",
                "django.templatetags.cache",
            ],
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("TRAPS_DATABASE", ":memory:"),
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/page/home/"
USE_TZ = True
TWOPASS = {"SECRET": os.environ.get("TWOPASS_SECRET", ""), "MAX_AGE": 600}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
