"""Whatever the order of loads, writes, invalidations, flushes and losses: nothing old comes back.

Two processes are played by two `Levels` on one Redis, or on one clock file without it. Loads are
split open: a flow is stepped until it has read the database, other things happen, then it goes on
and tries to store. They read a replica, which is behind until it replays, unless they demand more.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import devstack
from origin.datacache import flow, layers, loading
from origin.datacache.conf import Settings
from origin.datacache.definition import Definition
from origin.datacache.driving import _perform, drive
from origin.datacache.entry import Entry
from origin.datacache.layers import Levels
from origin.datacache.lease import Renewer
from origin.datacache.policy import Policy
from origin.datacache.steps import Load

KEYS = st.sampled_from(["a", "b"])
PROCESSES = st.integers(0, 1)


@dataclasses.dataclass
class Loading:
    """A reader that has read the database and has not stored what it read."""

    levels: Levels
    steps: Generator[Any, Any, Any]
    result: Any


class Replicated:
    """A database of a primary and one replica; positions in the log count writes."""

    def __init__(self) -> None:
        self.current = {"a": 0, "b": 0}
        self.replica = dict(self.current)
        self.lsn = self.replayed = self.demanded = 0

    def write(self, key: str) -> None:
        self.lsn += 1
        self.current[key] += 1

    def replay(self) -> None:
        self.replica, self.replayed = dict(self.current), self.lsn

    def load(self, idents: Sequence[str]) -> dict[str, int]:
        seen = self.replica if self.replayed >= self.demanded else self.current
        return {ident: seen[ident] for ident in idents}

    @contextlib.contextmanager
    def reads_as_of(self, lsn: int) -> Iterator[None]:
        self.demanded, before = lsn, self.demanded
        yield
        self.demanded = before


class Races(RuleBasedStateMachine):
    server: devstack.RedisServer | None = None
    files: Path
    guard = True
    examples = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        conf = Settings(refreshers=0, lease=60.0, wait=0.01, bound=3600.0, lsn_guard=self.guard)
        if self.server is not None:
            self.server.flush()
            conf = dataclasses.replace(conf, redis=self.server.url)
        else:
            name = f"clock{next(self.examples)}"
            conf = dataclasses.replace(conf, clock_file=str(self.files / name))
        self.clock_file = Path(conf.clock_file)
        self.database = database = Replicated()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(layers, "is_routed", lambda: True)
        self.patch.setattr(loading, "reads_as_of", database.reads_as_of)
        self.patch.setattr(loading, "primary_position", lambda: database.lsn)
        self.processes = [self._levels(conf), self._levels(conf)]
        self.open: list[Loading] = []
        self.definition = Definition(
            label="race",
            schema="1",
            policy=Policy(3600.0),
            name_of=str,
            groups=lambda ident: (f"group:{ident}",),
            load=database.load,
        )

    def teardown(self) -> None:
        for loading_ in self.open:
            loading_.steps.close()
        for levels in self.processes:
            levels.close()
        self.patch.undo()

    @rule(key=KEYS, process=PROCESSES)
    def begin_to_load(self, key: str, process: int) -> None:
        """A reader, up to the moment when the database has answered."""
        levels = self.processes[process]
        steps = flow.read(levels, self.definition, [key])
        result: Any = None
        try:
            step = next(steps)
            while not isinstance(step, Load):
                step = steps.send(_perform(levels, step))
            result = loading.load(step)
        except StopIteration:
            return
        self.open.append(Loading(levels, steps, result))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """It stores what it read then, or is refused."""
        self.store(self.open.pop(data.draw(st.integers(0, len(self.open) - 1))))

    def store(self, reader: Loading) -> None:
        result = reader.result
        try:
            while True:
                result = _perform(reader.levels, reader.steps.send(result))
        except StopIteration:
            pass

    @precondition(lambda self: self.open)
    @rule()
    def die(self) -> None:
        """A reader that never comes to storing."""
        self.open.pop(0).steps.close()

    @rule(key=KEYS, process=PROCESSES)
    def write(self, key: str, process: int) -> None:
        """A commit, and what it invalidates."""
        self.database.write(key)
        self.processes[process].invalidate([f"group:{key}"], lsn=self.database.lsn)

    @rule()
    def replay(self) -> None:
        """The replica comes to where the primary is."""
        self.database.replay()

    @rule(process=PROCESSES)
    def hear(self, process: int) -> None:
        """The listener's turn."""
        self.catch_up(self.processes[process])

    @precondition(lambda self: self.server is not None)
    @rule()
    def flush(self) -> None:
        """Redis loses everything, its memory of invalidations too."""
        assert self.server is not None
        self.server.flush()

    @rule()
    def lose_the_file(self) -> None:
        """Somebody tidies up where the clock file lies."""
        self.clock_file.is_file() and self.clock_file.unlink()

    @precondition(lambda self: self.server is not None)
    @rule(what=st.sampled_from(["*:g:*", "*:lsn"]))
    def evict(self, what: str) -> None:
        """Redis makes room, and forgets when groups were invalidated, or by which transactions."""
        self._delete(what)

    @rule(process=PROCESSES)
    def forget(self, process: int) -> None:
        """The process level makes room."""
        self.processes[process].process.clear()

    @precondition(lambda self: self.server is not None)
    @rule()
    def leases_end(self) -> None:
        """All of them, as after a freeze: their holders do not know it."""
        self._delete("*:l:*")

    @rule(process=PROCESSES)
    def begin_anew(self, process: int) -> None:
        """A process ends, and another takes its place that has heard of nothing."""
        if any(reader.levels is self.processes[process] for reader in self.open):
            return
        self.processes[process].close()
        self.processes[process] = self._levels(self.processes[process].conf)

    def _delete(self, pattern: str) -> None:
        link = self.processes[0].link
        assert link is not None
        for key in link.call([("KEYS", pattern)])[0]:
            link.call([("DEL", key)])

    def _levels(self, conf: Settings) -> Levels:
        levels = Levels(conf)
        levels.listen = lambda: None  # type: ignore[method-assign]  # heard when the rule says
        levels.trusted_until = float("inf")
        levels.renewer = Renewer(lambda pairs: None, 3600.0)
        return levels

    def catch_up(self, levels: Levels) -> None:
        if self.server is None:
            levels.hear()
            return
        from origin.datacache.catching_up import reach
        from origin.datacache.shared_layer import as_clock

        assert levels.link is not None
        drive(levels, reach(levels, as_clock(levels.link.call([("GET", "{twopass}:clock")])[0])))

    @invariant()
    def nobody_who_has_heard_everything_sees_anything_old(self) -> None:
        """As a request sees it: caught up first, then at hand or in Redis."""
        for levels in self.processes:
            self.catch_up(levels)
            for key, current in self.database.current.items():
                found = levels.process.get(self.definition.key(key))
                assert found is None or found.get() == current, (key, found.get(), current)
        if self.server is None:
            return
        fresh = Levels(self.processes[0].conf)
        fresh.listen = lambda: None  # type: ignore[method-assign]
        fresh.clock.begin(2**53)  # it has heard of nothing: stamps decide
        lookup = self._in_redis(fresh)
        for key, value in lookup.items():
            assert value == self.database.current[key], (key, value, self.database.current[key])
        fresh.close()

    def _in_redis(self, levels: Levels) -> dict[str, int]:
        from origin.datacache.lookup import Lookup
        from origin.datacache.shared_reads import look_in_redis

        keys = {self.definition.key(ident): ident for ident in self.database.current}
        lookup = Lookup(levels, self.definition, keys)
        drive(levels, look_in_redis(lookup, list(keys)))
        return lookup.results({ident: key for key, ident in keys.items()})


@pytest.mark.timeout(300)
@pytest.mark.parametrize("has_redis", [True, False], ids=["Redis", "clock file"])
def test_nothing_old_comes_back(
    redis_server: devstack.RedisServer, tmp_path: Path, has_redis: bool
) -> None:
    class Here(Races):
        server = redis_server if has_redis else None
        files = tmp_path

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


FOUND = settings(
    max_examples=2000,
    stateful_step_count=25,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],  # that it is found is enough
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("has_redis", [True, False], ids=["Redis", "clock file"])
def test_the_model_finds_loads_that_demand_no_position(
    redis_server: devstack.RedisServer, tmp_path: Path, has_redis: bool
) -> None:
    """The same machine with the guard off sees what the replica still has."""

    class Here(Races):
        server = redis_server if has_redis else None
        files = tmp_path
        guard = False

    _load_what_a_newcomer_has_not_heard_of(Here())


@pytest.mark.timeout(300)
def test_the_model_finds_positions_that_are_forgotten(
    redis_server: devstack.RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same machine, with nobody asking the primary what is new enough, must fail."""

    class Here(Races):
        files = tmp_path

    demand = Levels.demand
    monkeypatch.setattr(
        Levels, "demand", lambda self, groups: demand(self, groups)._replace(ask=False)
    )
    _load_what_a_newcomer_has_not_heard_of(Here())


def _load_what_a_newcomer_has_not_heard_of(races: Races) -> None:
    """One of the courses that the machine would find, but not soon each time."""
    races.write("a", 0)
    races.begin_anew(1)
    races.begin_to_load("a", 1)
    races.store(races.open.pop())
    with pytest.raises(AssertionError):
        races.nobody_who_has_heard_everything_sees_anything_old()
    races.teardown()


@pytest.mark.timeout(300)
def test_the_model_finds_a_fill_that_is_not_fenced(
    redis_server: devstack.RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same machine, with the refusal of raced fills taken out of the script, must fail."""
    from origin.datacache import scripts, shared_layer

    broken = scripts.FILL.replace("if is_raced then return {'raced', '0'} end", "").replace(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost', '0'} end", ""
    )
    assert "'raced'" not in broken
    assert broken != scripts.FILL
    known = {**shared_layer.SCRIPTS, shared_layer.digest_of(broken): broken}
    monkeypatch.setattr(scripts, "FILL", broken)
    monkeypatch.setattr(shared_layer, "SCRIPTS", known)
    monkeypatch.setattr("origin.datacache.redis_link.SCRIPTS", known)

    class OnThisServer(Races):
        server = redis_server

    replace = Entry._replace

    def stamped(entry: Entry, **changes: Any) -> Any:
        return replace(entry, **{**changes, "at": 2**52})

    monkeypatch.setattr(Entry, "_replace", stamped)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(OnThisServer, settings=FOUND)
