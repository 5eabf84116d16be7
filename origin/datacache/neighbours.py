"""How processes of one machine hear of each other's invalidations where there is no Redis.

A file in memory: a count, and the last messages in a ring. To look whether there is anything new
costs a fraction of a microsecond. Who was asleep for longer than the ring holds, or finds a message
that is not whole, drops everything.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import stat
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgpack
from django.conf import settings

logger = logging.getLogger("twopass.datacache")

_MAGIC: Final = b"2pclock1"
_COUNT: Final = struct.Struct("@8sQ")
_SLOT: Final = struct.Struct("@QII8s")
"""Which message it is, how long, its checksum, whose it is."""
SLOTS: Final = 1024
SLOT_BYTES: Final = 256
_ROOM: Final = SLOT_BYTES - _SLOT.size
_SIZE: Final = _COUNT.size + SLOTS * SLOT_BYTES
_ANYTHING: Final = msgpack.packb(None)
_PATIENCE: Final = 0.25
"""Seconds for which a writer waits for another."""
_LOOK: Final = 1.0
"""Seconds after which it is looked at whether the file is still the one that others open."""

Heard = Callable[[tuple[str, ...] | None, bool], None]
"""Called with groups (None: anything may have been invalidated) and whether that was soft."""


class Unusable(OSError):
    """The file cannot be shared; the message says why."""


def default_path(prefix: str) -> Path:
    """The same for all processes of a project and a user on a machine."""
    places = [
        [str(database.get(key, "")) for key in ("ENGINE", "NAME", "HOST", "PORT")]
        for _, database in sorted(settings.DATABASES.items())
    ]
    name = hashlib.sha256(repr((prefix, places)).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"twopass-{os.geteuid()}-{name}.clock")


class Neighbours:
    """The file at `path`, as this process sees it. Raises Unusable."""

    def __init__(self, path: Path, heard: Heard) -> None:
        self._path = path
        self._heard = heard
        self._me = os.urandom(8)
        self._lock = threading.Lock()
        self._file, self._memory, self._identity = _open(path)
        self._seen = self._count()
        self._looked = time.monotonic()

    def __repr__(self) -> str:
        return f"<Neighbours in {self._path}, {self._seen} messages>"

    def tell(self, groups: Iterable[str], *, soft: bool) -> None:
        """Tell the others. Their next reading knows."""
        payload = msgpack.packb([soft, *groups])
        with self._lock, _locked(self._file) as is_alone:
            if len(payload) > _ROOM or not is_alone:
                payload = _ANYTHING
            number = self._count()
            place = _place(number)
            head = _SLOT.pack(number, len(payload), zlib.crc32(payload), self._me)
            # the count last: who sees it finds the message, or one that is not whole
            self._memory[place + _SLOT.size : place + _SLOT.size + len(payload)] = payload
            self._memory[place : place + _SLOT.size] = head
            _COUNT.pack_into(self._memory, 0, _MAGIC, number + 1)

    def hear(self) -> None:
        """Take in what the others have told."""
        if self._count() != self._seen or time.monotonic() - self._looked > _LOOK:
            with self._lock:
                self._take_in()

    def close(self) -> None:
        """Let go of it; the file stays for the others."""
        self._memory.close()
        os.close(self._file)

    def _take_in(self) -> None:
        self._looked = time.monotonic()
        if not self._is_current():
            self._open_again()
            return
        count = self._count()
        messages = range(self._seen, count)
        if not 0 <= count - self._seen <= SLOTS:
            self._heard(None, False)
        else:
            for number in messages:
                self._take_in_one(number)
        self._seen = count  # only now: other threads must not take it for heard before it is

    def _take_in_one(self, number: int) -> None:
        place = _place(number)
        slot = bytes(self._memory[place : place + SLOT_BYTES])
        written, length, checksum, sender = _SLOT.unpack_from(slot)
        payload = slot[_SLOT.size : _SLOT.size + length]
        if written != number or zlib.crc32(payload) != checksum:
            self._heard(None, False)
        elif sender != self._me:
            message = msgpack.unpackb(payload)
            self._heard(*((None, False) if message is None else (tuple(message[1:]), message[0])))

    def _is_current(self) -> bool:
        try:
            found = self._path.stat(follow_symlinks=False)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _open_again(self) -> None:
        """Somebody tidied up: others may speak in a new file already."""
        logger.warning("%s was removed: everything at hand is dropped", self._path)
        file, memory, identity = _open(self._path)
        os.close(self._file)  # the memory goes when no thread reads it any more
        self._file, self._memory, self._identity = file, memory, identity
        self._seen = self._count()
        self._heard(None, False)

    def _count(self) -> int:
        count: int = _COUNT.unpack_from(self._memory)[1]
        return count


def _place(number: int) -> int:
    return _COUNT.size + number % SLOTS * SLOT_BYTES


def _open(path: Path) -> tuple[int, mmap.mmap, tuple[int, int]]:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unusable(f"{path} cannot be opened: {error.strerror}") from error
    try:
        with _locked(file):
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                raise Unusable(f"{path} is not a file of this user's")
            if found.st_size != _SIZE or os.pread(file, len(_MAGIC), 0) != _MAGIC:
                os.ftruncate(file, 0)
                os.ftruncate(file, _SIZE)
                os.pwrite(file, _COUNT.pack(_MAGIC, 0), 0)
        return file, mmap.mmap(file, _SIZE), (found.st_dev, found.st_ino)
    except Exception:
        os.close(file)
        raise


@contextmanager
def _locked(file: int) -> Iterator[bool]:
    """Whether nobody else writes now. One who was stopped meanwhile holds nobody up for long."""
    is_alone = _lock(file)
    try:
        yield is_alone
    finally:
        if is_alone:
            fcntl.flock(file, fcntl.LOCK_UN)


def _lock(file: int) -> bool:
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > ends:
                return False
            time.sleep(0.0005)
