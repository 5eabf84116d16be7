"""How processes of one machine hear of each other's invalidations where there is no Redis.

A small file: a count, and the last messages in a ring. It is read and written with system calls,
not mapped: a full disk is an error then and not the end of the process. Whoever missed something,
finds a message that is not whole, or sees the alarm changed drops everything.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgpack
from django.conf import settings

_MAGIC: Final = b"2pclock1"
_STATE: Final = struct.Struct("@Q8s")
"""How many messages there have been; the alarm: eight bytes that mean "everything" by changing."""
_STATE_AT: Final = 8
_RING_AT: Final = 64
_SLOT: Final = struct.Struct("@QII8s")
"""Which message it is, how long, its checksum, whose it is."""
SLOTS: Final = 1024
SLOT_BYTES: Final = 256
_ROOM: Final = SLOT_BYTES - _SLOT.size
MOST: Final = 64
"""Messages that one invalidation may take; more mean everything."""
_SIZE: Final = _RING_AT + SLOTS * SLOT_BYTES
_PATIENCE: Final = 0.25
"""Seconds for which a writer waits for another."""
_PAUSE: Final = 1.0
"""Seconds after which a file that could not be used is tried again."""

Heard = Callable[[tuple[str, ...] | None, bool, int | None], None]
"""Called with groups (None: anything may have been invalidated), whether that was soft, and the
position of it in the primary's log (None: nobody knows)."""


class Unusable(OSError):
    """The file cannot be shared; the message says why."""


def default_path(prefix: str) -> Path:
    """The same for all processes of a project and a user on a machine."""
    database = str(settings.DATABASES.get("default", {}).get("NAME", ""))
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{prefix}-{database}")[-80:].strip("-")
    return Path(tempfile.gettempdir(), f"twopass-{os.geteuid()}-{name}.clock1")


class Neighbours:
    """The file at `path`, as this process sees it. Nothing here raises OSError.

    `error` says why it cannot be used at the moment.
    """

    def __init__(self, path: Path, heard: Heard) -> None:
        self.error = ""
        self._path = path
        self._heard = heard
        self._me = os.urandom(8)
        self._lock = threading.Lock()
        self._file: int | None = None
        self._state = b""
        self._has_missed = False
        """Whether something may have been told while this process had no file."""
        self._owes = False
        """Whether the others have not been told of something."""
        self._try_at = 0.0
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Neighbours in {self._path}{': ' if self.error else ''}{self.error}>"

    def tell(self, groups: Iterable[str], *, soft: bool, lsn: int = 0) -> bool:
        """Tell the others, whose next reading knows; False: they are told as soon as can be."""
        with self._lock:
            messages = _messages(groups, soft, lsn)
            while (file := self._open()) is not None:
                try:
                    self._write(file, messages)
                    if os.fstat(file).st_nlink:
                        return True
                except OSError as error:
                    self._fail(error)
                # if removed meanwhile: others may be in a new one already, which knows nothing
                self._owes = True
            self._owes = True
        return False

    def hear(self) -> bool:
        """Take in what the others have told; False where that cannot be known."""
        with self._lock:
            file = self._open()
            if file is None:
                return False
            try:
                state = _read(file, _STATE.size, _STATE_AT)
                if state != self._state:
                    self._take_in(file, state)
            except OSError as error:
                self._fail(error)
                return False
            return True

    def close(self) -> None:
        """Let go of it; the file stays for the others."""
        with self._lock:
            self._is_closed = True
            self._let_go()

    # -- under the lock

    def _take_in(self, file: int, state: bytes) -> None:
        (seen, alarm), (count, alarm_now) = _STATE.unpack(self._state), _STATE.unpack(state)
        if alarm != alarm_now or not 0 <= count - seen <= SLOTS:
            self._heard(None, False, None)
        else:
            for number in range(seen, count):
                self._take_in_one(file, number)
        self._state = state  # only now: till then it is not heard

    def _take_in_one(self, file: int, number: int) -> None:
        slot = _read(file, SLOT_BYTES, _place(number))
        written, length, checksum, sender = _SLOT.unpack_from(slot)
        payload = slot[_SLOT.size : _SLOT.size + length]
        if written != number or zlib.crc32(payload) != checksum:
            self._heard(None, False, None)
        elif sender != self._me:
            soft, *groups = msgpack.unpackb(payload, unicode_errors="surrogatepass")
            # a release that did not tell the position gave it no place; one that does not know of
            # it takes it for one group more
            lsn = groups.pop(0) if groups and isinstance(groups[0], int) else None
            self._heard(tuple(groups), soft, lsn)

    def _write(self, file: int, messages: list[bytes]) -> None:
        with _locked(file) as is_alone:
            if not is_alone or not 0 < len(messages) <= MOST:
                _raise_alarm(file)
                return
            count, _ = _STATE.unpack(_read(file, _STATE.size, _STATE_AT))
            for payload in messages:
                head = _SLOT.pack(count, len(payload), zlib.crc32(payload), self._me)
                os.pwrite(file, head + payload, _place(count))
                count += 1
            # last of all: who sees it finds the messages
            os.pwrite(file, struct.pack("@Q", count), _STATE_AT)

    def _open(self) -> int | None:
        """The file that the others use; None where it cannot be had."""
        if self._file is not None:
            if os.fstat(self._file).st_nlink:
                return self._file
            with suppress(OSError):  # whoever still has the one that was removed looks for the new
                _raise_alarm(self._file)
            self._let_go()
        now = time.monotonic()
        if self._is_closed or (self.error and now < self._try_at):
            return None
        try:
            self._file = _opened(self._path)
            self._state = _read(self._file, _STATE.size, _STATE_AT)
            if self._owes:
                _raise_alarm(self._file)
        except OSError as error:
            self._fail(error)
            return None
        self.error, self._owes = "", False
        if self._has_missed:
            self._heard(None, False, None)
        self._has_missed = False
        return self._file

    def _fail(self, error: OSError) -> None:
        self.error = str(error)
        self._try_at = time.monotonic() + _PAUSE
        if self._file is not None:
            with suppress(OSError):
                _raise_alarm(self._file)
        self._let_go()

    def _let_go(self) -> None:
        self._has_missed = True
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _messages(groups: Iterable[str], soft: bool, lsn: int) -> list[bytes]:
    """Payloads that fit into slots; none at all where a group does not."""
    packed = msgpack.Packer(unicode_errors="surrogatepass").pack
    found: list[bytes] = []
    names: list[str] = []
    for name in groups:
        if len(packed([soft, lsn, name])) > _ROOM:
            return []
        if len(packed([soft, lsn, *names, name])) > _ROOM:
            found.append(packed([soft, lsn, *names]))
            names = []
        names.append(name)
    return [*found, packed([soft, lsn, *names])]


def _read(file: int, size: int, place: int) -> bytes:
    """Raises Unusable when somebody has cut the file."""
    data = os.pread(file, size, place)
    if len(data) < size:
        raise Unusable("it has been cut")
    return data


def _place(number: int) -> int:
    return _RING_AT + number % SLOTS * SLOT_BYTES


def _raise_alarm(file: int) -> None:
    os.pwrite(file, os.urandom(8), _STATE_AT + 8)


def _opened(path: Path) -> int:
    try:
        return _checked(path)
    except FileNotFoundError:
        _make(path)
        return _checked(path)


def _checked(path: Path) -> int:
    """Raises FileNotFoundError; Unusable for what is not such a file of this user's."""
    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unusable(f"{path} cannot be opened: {error.strerror}") from error
    found = os.fstat(file)
    is_own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
    if not is_own or found.st_size != _SIZE or os.pread(file, len(_MAGIC), 0) != _MAGIC:
        os.close(file)
        raise Unusable(f"{path} is no clock of this user's")
    return file


def _make(path: Path) -> None:
    """Whole before anybody sees it. Of two who make one at a time the first finds it removed."""
    try:
        file, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    except OSError as error:
        raise Unusable(f"{path} cannot be made: {error.strerror}") from error
    try:
        with os.fdopen(file, "wb") as made:
            made.write(_MAGIC + _STATE.pack(0, os.urandom(8)))
            made.write(bytes(_SIZE - made.tell()))
        Path(name).rename(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise Unusable(f"{path} cannot be made: {error.strerror}") from error


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
