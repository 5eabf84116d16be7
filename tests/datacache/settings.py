"""Settings of the tests of `origin.datacache`."""

SECRET_KEY = "tests of the data caches"
USE_TZ = True
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "origin",
    "tests.datacache.shop",
]
MIDDLEWARE = ["origin.middleware.TwoPassMiddleware"]
ROOT_URLCONF = "tests.datacache.shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
TWOPASS = {"SECRET": "a-secret-of-the-tests-long-enough-to-be-one"}
