"""Whatever the order of loads, writes, invalidations, flushes and losses: nothing old comes back.

Two processes are played by two `Levels` on one Redis. Loads are split open: a flow is stepped until
it has read the database, other things happen, then it goes on and tries to store.
"""

import dataclasses
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import devstack
from origin.datacache import flow, loading
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


class Races(RuleBasedStateMachine):
    server: devstack.RedisServer

    def __init__(self) -> None:
        super().__init__()
        self.server.flush()
        conf = Settings(redis=self.server.url, refreshers=0, lease=60.0, wait=0.01, bound=3600.0)
        self.processes = [Levels(conf), Levels(conf)]
        for levels in self.processes:
            levels.listen = lambda: None  # type: ignore[method-assign]  # heard when the rule says
            levels.trusted_until = float("inf")
            levels.renewer = Renewer(lambda pairs: None, 3600.0)
            levels.clock.begin(0)
        self.database = {"a": 0, "b": 0}
        self.open: list[Loading] = []
        self.definition = Definition(
            label="race",
            schema="1",
            policy=Policy(3600.0),
            name_of=str,
            groups=lambda ident: (f"group:{ident}",),
            load=lambda idents: {ident: self.database[ident] for ident in idents},
        )

    def teardown(self) -> None:
        for loading_ in self.open:
            loading_.steps.close()
        for levels in self.processes:
            levels.close()

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
        reader = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
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
        self.database[key] += 1
        self.processes[process].invalidate([f"group:{key}"])

    @rule(process=PROCESSES)
    def hear(self, process: int) -> None:
        """The listener's turn."""
        self.catch_up(self.processes[process])

    @rule()
    def flush(self) -> None:
        """Redis loses everything, its memory of invalidations too."""
        self.server.flush()

    @rule()
    def evict_stamps(self) -> None:
        """Redis makes room, and forgets when groups were invalidated."""
        link = self.processes[0].link
        assert link is not None
        for key in link.call([("KEYS", "*:g:*")])[0]:
            link.call([("DEL", key)])

    @rule(process=PROCESSES)
    def forget(self, process: int) -> None:
        """The process level makes room."""
        self.processes[process].process.clear()

    @rule()
    def leases_end(self) -> None:
        """All of them, as after a freeze: their holders do not know it."""
        link = self.processes[0].link
        assert link is not None
        for key in link.call([("KEYS", "*:l:*")])[0]:
            link.call([("DEL", key)])

    def catch_up(self, levels: Levels) -> None:
        from origin.datacache.catching_up import reach
        from origin.datacache.shared_layer import as_clock

        assert levels.link is not None
        drive(levels, reach(levels, as_clock(levels.link.call([("GET", "{twopass}:clock")])[0])))

    @invariant()
    def nobody_who_has_heard_everything_sees_anything_old(self) -> None:
        """As a request sees it: caught up first, then at hand or in Redis."""
        for levels in self.processes:
            self.catch_up(levels)
            for key, current in self.database.items():
                found = levels.process.get(self.definition.key(key))
                assert found is None or found.get() == current, (key, found.get(), current)
        link = self.processes[0].link
        assert link is not None
        fresh = Levels(self.processes[0].conf)
        fresh.listen = lambda: None  # type: ignore[method-assign]
        fresh.clock.begin(2**53)  # it has heard of nothing: stamps decide
        lookup = self._in_redis(fresh)
        for key, value in lookup.items():
            assert value == self.database[key], (key, value, self.database[key])
        fresh.close()

    def _in_redis(self, levels: Levels) -> dict[str, int]:
        from origin.datacache.lookup import Lookup
        from origin.datacache.shared_reads import look_in_redis

        keys = {self.definition.key(ident): ident for ident in self.database}
        lookup = Lookup(levels, self.definition, keys)
        drive(levels, look_in_redis(lookup, list(keys)))
        return lookup.results({ident: key for key, ident in keys.items()})


@pytest.mark.timeout(300)
def test_nothing_old_comes_back(redis_server: devstack.RedisServer) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    class OnThisServer(Races):
        server = redis_server

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(300)
def test_the_model_finds_a_fill_that_is_not_fenced(
    redis_server: devstack.RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same machine, with the refusal of raced fills taken out of the script, must fail."""
    from hypothesis.stateful import run_state_machine_as_test

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
        run_state_machine_as_test(
            OnThisServer,
            settings=settings(
                max_examples=200,
                stateful_step_count=25,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=[Phase.generate],  # that it is found is enough
                suppress_health_check=list(HealthCheck),
            ),
        )
