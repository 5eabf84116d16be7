"""Fuses and connecting within a deadline, without a database."""

import socket
import threading
import time

import pytest
from django.db import OperationalError

from dbrouting.deadline import connect_within, new_fuse


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_blown_fuse_wakes_whoever_waits_for_the_socket(pair):
    ours, _ = pair
    fuse = new_fuse(ours.fileno())

    fuse.light(0.05)

    assert ours.recv(1) == b""  # as if the peer had gone; without the fuse, for ever
    assert fuse.is_blown


def test_put_out_in_time_it_does_nothing(pair):
    ours, theirs = pair
    fuse = new_fuse(ours.fileno())

    fuse.light(0.05)
    fuse.put_out()
    time.sleep(0.2)

    assert not fuse.is_blown
    theirs.send(b"x")
    assert ours.recv(1) == b"x"


def test_it_can_be_lit_again(pair):
    ours, _ = pair
    fuse = new_fuse(ours.fileno())
    for _ in range(3):
        fuse.light(5.0)
        fuse.put_out()

    fuse.light(0.02)

    assert ours.recv(1) == b""


def test_extending_waits_on(pair):
    ours, _ = pair
    fuse = new_fuse(ours.fileno())
    asked = []

    def extend() -> bool:
        asked.append(True)
        return len(asked) < 3

    fuse.light(0.03, extend)

    assert ours.recv(1) == b""
    assert len(asked) == 3


def test_a_number_that_was_given_to_another_file_is_never_hit(pair):
    """The descriptor is closed and reused while the fuse burns: its new owner keeps it."""
    ours, _ = pair
    fuse = new_fuse(ours.fileno())
    fuse.light(0.05)
    number = ours.fileno()
    ours.close()
    others = socket.socketpair()
    assert number in {end.fileno() for end in others}

    deadline = time.monotonic() + 10
    while not fuse.is_blown and time.monotonic() < deadline:
        time.sleep(0.01)
    others[0].send(b"x")

    assert others[1].recv(1) == b"x"
    for end in others:
        end.close()


def test_connecting_in_time():
    assert connect_within(5.0, lambda: "connection", lambda c: None) == "connection"


def test_an_error_while_connecting_is_the_callers():
    def refuse() -> str:
        raise ConnectionRefusedError("no")

    with pytest.raises(ConnectionRefusedError):
        connect_within(5.0, refuse, lambda c: None)


def test_a_late_connection_is_closed():
    go, closed = threading.Event(), threading.Event()

    def connect() -> str:
        go.wait(10)
        return "late"

    with pytest.raises(OperationalError, match=r"timed out after 0\.05 s"):
        connect_within(0.05, connect, lambda c: closed.set())
    go.set()

    assert closed.wait(10)
