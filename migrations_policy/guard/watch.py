"""Watches a migrating session from a second one: what it waits on, and how far a build is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

POLL_SECONDS = 0.1
PROGRESS_EVERY = 20  # polls

BLOCKERS = """
SELECT b.pid, COALESCE(b.usename, ''), b.state, COALESCE(b.application_name, ''),
       EXTRACT(epoch FROM now() - b.xact_start)::float, left(b.query, 120),
       left(w.query, 120)
FROM pg_stat_activity w
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocking(pid)
JOIN pg_stat_activity b ON b.pid = blocking.pid
WHERE w.pid = %s
"""
BEHIND = """
SELECT count(*) FROM pg_stat_activity w WHERE %s = ANY (pg_blocking_pids(w.pid))
"""
PROGRESS = """
SELECT p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total,
       c.relname, p.lockers_done, p.lockers_total
FROM pg_stat_progress_create_index p LEFT JOIN pg_class c ON c.oid = p.relid WHERE p.pid = %s
"""


class Watcher:
    """Reports each new blocker once, and the progress of index builds now and then."""

    def __init__(self, observer: Any, pid: int, say: Callable[[str], None]) -> None:
        self.observer = observer
        self.pid = pid
        self.say = say
        self.behind = 0
        self._seen: set[int] = set()
        self._progress = ""

    def look(self, with_progress: bool) -> None:
        """Ask once what the session waits on, and report news."""
        with self.observer.cursor() as cursor:
            cursor.execute(BLOCKERS, [self.pid])
            blockers = cursor.fetchall()
            for row in blockers:
                if row[0] not in self._seen:
                    self._seen.add(row[0])
                    self.say(blocker_line(row))
            if blockers:
                cursor.execute(BEHIND, [self.pid])
                behind = int(cursor.fetchone()[0])
                if behind > self.behind:
                    self.behind = behind
                    self.say(f"  {behind} sessions wait behind the migration")
            if with_progress:
                cursor.execute(PROGRESS, [self.pid])
                self._report(cursor.fetchone())

    def _report(self, row: Any) -> None:
        if row is None:
            return
        line = progress_line(row)
        if line != self._progress:
            self._progress = line
            self.say(line)


def blocker_line(row: Any) -> str:
    """Return who blocks what, in one line."""
    pid, user, state, application, age, query, waiting = row
    since = f" for {age:.1f} s" if age is not None else ""
    name = f" ({application})" if application else ""
    return (
        f"  waiting: {' '.join(waiting.split())!r} waits for pid {pid} {user}{name}, "
        f"{state}{since}: {' '.join(query.split())!r}"
    )


def progress_line(row: Any) -> str:
    """Return the progress of an index build, in one line."""
    phase, blocks_done, blocks, tuples_done, tuples, table, lockers_done, lockers = row
    done, total = (blocks_done, blocks) if blocks else (tuples_done, tuples)
    share = f" {100 * done / total:.0f} %" if total else ""
    waiting = f", transactions left: {lockers - lockers_done}" if lockers else ""
    return f"  index on {table}: {phase}{share}{waiting}"


@contextmanager
def watched(connection: Any, say: Callable[[str], None]) -> Iterator[Watcher]:
    """Watch the connection's session while the block runs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = int(cursor.fetchone()[0])
    observer = connection.copy(f"{connection.alias}_watcher")
    observer.inc_thread_sharing()
    watcher = Watcher(observer, pid, say)
    stop = threading.Event()

    def poll() -> None:
        count = 0
        while not stop.wait(POLL_SECONDS):
            watcher.look(with_progress=count % PROGRESS_EVERY == 0)
            count += 1

    thread = threading.Thread(target=poll, name="migration-watcher", daemon=True)
    thread.start()
    try:
        yield watcher
    finally:
        stop.set()
        thread.join()
        observer.close()
