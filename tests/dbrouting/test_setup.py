"""Settings and system checks: mistakes are named before they cost a visitor anything."""

from dataclasses import fields
from pathlib import Path

import django
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from dbrouting import checks, metrics
from dbrouting.checks import check_setup
from dbrouting.conf import Settings, parse
from tests.dbrouting import settings as project

REPLICA = {"ENGINE": "dbrouting.backends.postgresql", "REPLICAS": ["db2"]}
PRIMARY = {"ENGINE": "django.db.backends.postgresql", "HOST": "db1"}
OTHER_ROUTER = "tests.dbrouting.shop.hosts.NoRouter"
SEVERAL = {"HOST": "db1,db2", "OPTIONS": {"target_session_attrs": "read-write"}}


pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")


def ids(settings, **changed: object) -> set[str]:
    settings.DATABASES = {"default": PRIMARY, "replica": REPLICA}
    settings.DATABASE_ROUTERS = project.DATABASE_ROUTERS
    settings.MIDDLEWARE = project.MIDDLEWARE
    for name, value in changed.items():
        setattr(settings, name, value)
    return {message.id for message in check_setup()}


def with_replica(**keys: object) -> dict:
    return {"default": PRIMARY, "replica": {**REPLICA, **keys}}


def with_primary(**keys: object) -> dict:
    return {"default": {**PRIMARY, **keys}, "replica": REPLICA}


def test_a_right_setup_says_nothing(settings):
    assert ids(settings) == set()
    assert ids(settings, DATABASES=with_primary(**SEVERAL)) == set()
    assert ids(settings, DATABASES={"default": PRIMARY}) == set()


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        ("dbrouting.E001", {"DBROUTING": {"MAX_LAGG": 1}}),
        ("dbrouting.E002", {"DBROUTING": {"PRIMARY": "nowhere"}}),
        ("dbrouting.E003", {"DATABASES": with_replica(REPLICAS=None)}),
        ("dbrouting.E003", {"DATABASES": with_replica(REPLICAS=["db2:http"])}),
        ("dbrouting.E003", {"DATABASES": with_replica(REPLICAS="no.such.function")}),
        ("dbrouting.E004", {"DATABASES": with_primary(HOST="a,b,c", PORT="1,2")}),
        ("dbrouting.E005", {"DATABASES": with_primary(HOST="a,b")}),
        ("dbrouting.E006", {"DATABASES": with_primary(**REPLICA)}),
        ("dbrouting.E007", {"MIDDLEWARE": project.MIDDLEWARE[:1] + project.MIDDLEWARE[:0:-1]}),
        ("dbrouting.W001", {"DATABASES": with_replica(ENGINE="django.db.backends.postgresql")}),
        ("dbrouting.W002", {"DATABASES": with_replica(REPLICAS=[])}),
        ("dbrouting.W003", {"DATABASES": with_replica(REPLICAS=[{"HOST": "a", "WEIGHT": 0}])}),
        ("dbrouting.W004", {"DBROUTING": {"ZONE": "oslo"}}),
        ("dbrouting.W005", {"DATABASE_ROUTERS": []}),
        (
            "dbrouting.W006",
            {
                "DATABASE_ROUTERS": [
                    *project.DATABASE_ROUTERS,
                    "tests.dbrouting.shop.hosts.NoRouter",
                ]
            },
        ),
        ("dbrouting.W007", {"MIDDLEWARE": []}),
        ("dbrouting.W008", {"MIDDLEWARE": [project.MIDDLEWARE[1], project.MIDDLEWARE[0]]}),
    ],
)
def test_mistakes_are_found(settings, found, changed):
    assert found in ids(settings, **changed)


def test_manage_py_check_runs_them(settings, capsys):
    settings.DBROUTING = {"MAX_LAGG": 1}

    # Django 6 opens every alias before its checks run, and hears it from there
    said = r"dbrouting\.E001.*MAX_LAGG" if django.VERSION < (6,) else "no key 'MAX_LAGG'"
    with pytest.raises(Exception, match=said):
        call_command("check")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"DEADLINE": 0}, "DEADLINE.*above 0"),
        ({"DEADLINE": None}, "DEADLINE.*above 0"),
        ({"DEADLINE": "1"}, "DEADLINE.*above 0"),
        ({"TRIP_AFTER": True}, "TRIP_AFTER.*above 0"),
        ({"FALLBACK": "replica"}, "FALLBACK.*primary, error"),
        ({"STRATEGY": "random"}, "STRATEGY.*round-robin, least-lag"),
        ({"RETURN_RATIO": 1.5}, "RETURN_RATIO"),
        ({"PRIMARY": "x", "REPLICA": "x"}, "two aliases"),
        ({"deadline": 1}, "no key 'deadline'"),
    ],
)
def test_settings_are_checked(given, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        parse(given)


def test_defaults_are_those_documented():
    assert parse({}) == Settings()
    assert parse({"SLOW_QUERY_LIMIT": None}).slow_query_limit is None
    assert parse({"MODELS": ["shop"]}).models == ("shop",)


def test_every_setting_metric_and_check_is_documented():
    root = Path(__file__).parents[2]
    text = (root / "docs" / "dbrouting.md").read_text()
    wanted = {f"`{field.name.upper()}`" for field in fields(Settings)}
    wanted |= {
        f"`{metric.name}`"
        for metric in vars(metrics).values()
        if isinstance(metric, metrics.Metric)
    }
    source = Path(checks.__file__).read_text()
    wanted |= {part.split('"')[0] for part in source.split('id="')[1:]}

    assert {name for name in wanted if name not in text} == set()
