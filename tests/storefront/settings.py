"""The storefront's settings, on a database file of the tests' own and with quick passwords."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("STOREFRONT_VAR", tempfile.mkdtemp(prefix="storefront-tests-"))

from examples.storefront.settings import *  # noqa: F403
from examples.storefront.settings import DATABASES, VAR_DIR

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# a file, since an in-memory database is one connection's and races need several
DATABASES["default"]["TEST"] = {"NAME": str(Path(VAR_DIR) / "test.sqlite3")}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["TEST"] = {"NAME": "test_storefront"}
# pages are rendered anew each time: tests change the catalogue within one transaction, whose
# purges never come, and look into the context of what was rendered
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
