"""The guard: applies pending migrations one by one, and gives up before visitors notice."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from ..facts import Migration
from ..lag import ReplicaLag
from ..linter import Result
from ..phases import phase_of
from ..violation import Severity
from .limits import Limits, limited
from .repair import built_indexes, drop_invalid
from .retry import Backoff
from .watch import watched

logger = logging.getLogger("migrations_policy")

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
ADVISORY_KEY = 0x706F6C69  # "poli"


class GuardRefused(RuntimeError):
    """The guard does not run the migrations; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """How careful to be. Lag and its patience are in seconds."""

    using: str = "default"
    phase: str | None = None
    limits: Limits = field(default_factory=Limits)
    backoff: Backoff = field(default_factory=Backoff)
    max_lag: float = 5.0
    lag_patience: float = 300.0
    allowed: frozenset[str] = frozenset()
    force: bool = False
    hooks: tuple[str, ...] = ()


@dataclass(slots=True)
class Guard:
    """One guarded run. `say` prints a line for people; sleep and random are arguments for tests."""

    options: Options
    judged: Result
    migrations: dict[tuple[str, str], Migration]
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    applied: list[Migration] = field(default_factory=list)
    replicas: ReplicaLag = field(init=False)

    def __post_init__(self) -> None:
        self.replicas = ReplicaLag(self.connection)

    @property
    def connection(self) -> Any:
        """The connection that migrates."""
        return connections[self.options.using]

    def run(self, targets: list[tuple[str, str | None]] | None = None) -> list[Migration]:
        """Apply what is pending in this phase; return the migrations applied.

        Raises GuardRefused before anything runs, or when locks or replicas never come free.
        """
        executor = MigrationExecutor(self.connection)
        executor.loader.check_consistent_history(self.connection)
        plan = executor.migration_plan(targets or executor.loader.graph.leaf_nodes())
        if any(backwards for _, backwards in plan):
            raise GuardRefused("migrate_guarded goes forwards only; use migrate to go back")
        chosen = self._in_phase([step for step, _ in plan])
        self._refuse(chosen)
        if not chosen:
            self.say("Nothing to migrate.")
            return []
        with closing(self._lock_out_others()):
            emit_pre_migrate_signal(0, False, self.options.using, plan=plan)
            for step in chosen:
                self._apply(step)
            emit_post_migrate_signal(0, False, self.options.using, plan=plan)
        self._call_hooks()
        return self.applied

    def _facts(self, step: Any) -> Migration:
        return self.migrations[(step.app_label, step.name)]

    def _in_phase(self, steps: list[Any]) -> list[Any]:
        """Return the steps of the wanted phase; what they depend on must be applied or chosen."""
        wanted = self.options.phase
        if wanted is None:
            return steps
        chosen: list[Any] = []
        skipped: set[tuple[str, str]] = set()
        for step in steps:
            phase = phase_of(self._facts(step))
            if phase is None:
                raise GuardRefused(
                    f"{self._facts(step).label} mixes steps for before and after the deploy; "
                    "split it (rule mixed-phases)"
                )
            waits_for = skipped & set(step.dependencies)
            if phase in (wanted, "anytime") and not waits_for:
                chosen.append(step)
            elif phase == "before" and wanted == "before":
                names = ", ".join(".".join(key) for key in sorted(waits_for))
                raise GuardRefused(
                    f"{self._facts(step).label} belongs before the deploy but depends on {names}, "
                    "which belongs after it; deploy and run --phase after first"
                )
            else:
                skipped.add((step.app_label, step.name))
                self.say(f"Left for later ({phase}): {self._facts(step).label}")
        return chosen

    def _refuse(self, steps: list[Any]) -> None:
        keys = {(step.app_label, step.name) for step in steps}
        forbidden = [
            found
            for found in self.judged.at_least(Severity.ERROR)
            if (found.app_label, found.migration) in keys and found.rule not in self.options.allowed
        ]
        for found in forbidden:
            self.say(f"{found.label}: [{found.rule}] {found.message}")
        if forbidden and not self.options.force:
            raise GuardRefused(
                f"{len(forbidden)} violations forbid this migration. Follow their recipes "
                "(manage.py lint_migrations shows them), or override: --allow RULE, --force"
            )
        for found in forbidden:
            logger.warning("overridden: %s in %s: %s", found.rule, found.label, found.message)
        for rule in sorted(self.options.allowed):
            logger.warning("overridden: %s is allowed for this run", rule)

    def _lock_out_others(self) -> Any:
        """Take an advisory lock in a session of its own, so that two guards never run at once."""
        session = self.connection.copy(f"{self.options.using}_guard")
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_KEY])
            if not cursor.fetchone()[0]:
                session.close()
                raise GuardRefused("another migrate_guarded is running on this database")
        return session

    def _apply(self, step: Any) -> None:
        migration = self._facts(step)
        attempt = 1
        while True:
            self._repair(migration)
            self._wait_for_replicas(self.replicas.settle(self.options.max_lag, self.sleep))
            self.say(f"Applying {migration.label}" + (f" (try {attempt})" if attempt > 1 else ""))
            try:
                self._once(step)
            except OperationalError as error:
                if not is_lock_failure(error):
                    raise
                self._rest(migration, attempt, error)
                attempt += 1
                continue
            self.applied.append(migration)
            logger.info("applied %s in %d tries", migration.label, attempt)
            return

    def _once(self, step: Any) -> None:
        key = (step.app_label, step.name)
        with watched(self.connection, self.say), self._limits():
            executor = MigrationExecutor(self.connection)
            executor.migrate([key], plan=[(executor.loader.graph.nodes[key], False)])

    def _limits(self) -> Any:
        return limited(self.connection, self.options.limits, self._before_statement)

    def _before_statement(self, sql: str) -> None:
        """Between the statements of a non-atomic migration, let the replicas catch up."""
        if not self.connection.in_atomic_block:
            self._wait_for_replicas(self.replicas.seconds())

    def _rest(self, migration: Migration, attempt: int, error: Exception) -> None:
        if self.options.backoff.is_last(attempt):
            raise GuardRefused(
                f"{migration.label}: the lock was not got in {attempt} tries; see above what held "
                "it, and run the command again: it goes on here"
            ) from error
        pause = self.options.backoff.delay(attempt, self.random())
        self.say(f"  gave up the lock wait; next try in {pause:.1f} s")
        logger.info("%s: lock not got (try %d), pausing %.1f s", migration.label, attempt, pause)
        self.sleep(pause)

    def _repair(self, migration: Migration) -> None:
        names, tables = built_indexes(migration)
        if names or tables:
            for name in drop_invalid(self.connection, names, tables):
                self.say(f"  dropped {name}, left invalid by a broken build")
                logger.warning("dropped the invalid index %s", name)

    def _wait_for_replicas(self, lag: float) -> None:
        waited = 0.0
        if self.replicas.is_hidden and not self.applied:
            self.say("  this role may not see how far replicas are: GRANT pg_read_all_stats to it")
        while lag > self.options.max_lag:
            if waited == 0:
                self.say(
                    f"  replicas are {lag:.1f} s behind (limit {self.options.max_lag:g}); waiting"
                )
            if waited >= self.options.lag_patience:
                raise GuardRefused(
                    f"replicas are still {lag:.1f} s behind after {waited:.0f} s; run the command "
                    "again when they have caught up: it goes on here"
                )
            self.sleep(1.0)
            waited += 1.0
            lag = self.replicas.seconds()

    def _call_hooks(self) -> None:
        """Tell caches and edge: hook(phase, migrations=[labels], tables=[names])."""
        labels = [migration.label for migration in self.applied]
        tables = sorted(
            {s.table for m in self.applied for _, s in m.statements() if s.table is not None}
        )
        for path in self.options.hooks:
            import_string(path)(self.options.phase, migrations=labels, tables=tables)
            logger.info("called %s", path)


def is_lock_failure(error: BaseException) -> bool:
    """Return whether the error says that a lock was not got in time (or a deadlock was broken)."""
    cause: Any = error.__cause__ or error
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state in {LOCK_NOT_AVAILABLE, DEADLOCK}
