"""Settings of the policy's tests: one app, `shop`, whose migrations each test writes itself."""

SECRET_KEY = "tests"
INSTALLED_APPS = ["shop", "migrations_policy"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres"}
}
MIGRATION_MODULES: dict[str, str | None] = {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
