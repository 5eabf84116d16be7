"""Real servers for tests, the demo and benchmarks: PostgreSQL with replicas, Redis, Chromium.

>>> with devstack.postgres(replicas=2) as cluster, devstack.redis() as server:
...     connect(cluster.primary.dsn("postgres"), server.url)

Never part of the wheel. See docs/devstack.md.
"""

from devstack.browser import Chromium, chromium
from devstack.errors import DevstackError, ProgramNotFound, ServerFailed
from devstack.playwright_browser import playwright_chromium
from devstack.postgresql.cluster import PostgresCluster, postgres
from devstack.postgresql.node import PostgresNode
from devstack.redis_server import RedisServer, redis

__all__ = [
    "Chromium",
    "DevstackError",
    "PostgresCluster",
    "PostgresNode",
    "ProgramNotFound",
    "RedisServer",
    "ServerFailed",
    "chromium",
    "playwright_chromium",
    "postgres",
    "redis",
]
