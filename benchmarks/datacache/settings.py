"""Settings of the process that `datacache` measures."""

import json
import os

PEER = os.environ.get("BENCH_PEER", "django")
SECRET_KEY = "benchmark"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **json.loads(os.environ.get("BENCH_DATABASE", '{"NAME": "bench"}')),
    }
}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "origin",
    "benchmarks.datacache.things",
    *([PEER] if PEER in ("cacheops", "cachalot") else []),
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS = os.environ.get("BENCH_REDIS", "")
DATACACHE = {"REDIS": REDIS, "ENABLED": PEER.startswith("twopass")}
if PEER == "twopass-redis":
    DATACACHE["PROCESS_BYTES"] = 0
CACHEOPS_REDIS = REDIS
CACHEOPS = {"things.thing": {"ops": {"get", "fetch", "count"}, "timeout": 3600}}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}
    if REDIS
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
