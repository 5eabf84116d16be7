"""Redis answers, and every lever does to it what it says."""

import socket
from collections.abc import Callable

import pytest

from devstack import RedisServer, ServerFailed

ServerFactory = Callable[..., RedisServer]


def test_url_names_the_server(redis_server: RedisServer) -> None:
    assert redis_server.url == f"redis://127.0.0.1:{redis_server.port}/0"
    assert redis_server.command("PING") == "PONG"


def test_flush_empties_it(fresh_redis_server: RedisServer) -> None:
    fresh_redis_server.command("SET colour red")
    fresh_redis_server.flush()
    assert fresh_redis_server.command("DBSIZE") == "0"


def test_error_replies_are_errors(redis_server: RedisServer) -> None:
    with pytest.raises(ServerFailed, match=r"refused 'NOSUCH'.*unknown command"):
        redis_server.command("NOSUCH")


@pytest.mark.parametrize(("appendonly", "left"), [(True, "1"), (False, "0")])
@pytest.mark.parametrize("lever", ["stop", "kill"])
def test_data_outlives_the_process_only_when_it_is_logged(
    redis_server_factory: ServerFactory, appendonly: bool, left: str, lever: str
) -> None:
    server = redis_server_factory(appendonly=appendonly)
    server.command("SET colour red")
    getattr(server, lever)()
    assert not server.is_running
    with pytest.raises(ServerFailed, match="Connection refused"):
        server.command("PING")

    server.start()
    assert server.command("DBSIZE") == left


def test_restart_keeps_the_address(fresh_redis_server: RedisServer) -> None:
    url = fresh_redis_server.url
    fresh_redis_server.restart()
    assert (fresh_redis_server.url, fresh_redis_server.command("PING")) == (url, "PONG")


def test_frozen_it_accepts_but_does_not_answer(fresh_redis_server: RedisServer) -> None:
    fresh_redis_server.freeze()
    with pytest.raises(ServerFailed, match="timed out"):
        fresh_redis_server.command("PING", timeout=0.3)
    assert "frozen" in repr(fresh_redis_server)

    fresh_redis_server.thaw()
    assert fresh_redis_server.command("PING") == "PONG"


def test_the_port_is_nobody_elses_while_it_is_down(fresh_redis_server: RedisServer) -> None:
    fresh_redis_server.stop()
    with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind((fresh_redis_server.host, fresh_redis_server.port))
