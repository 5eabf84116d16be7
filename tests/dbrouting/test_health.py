"""The health page, the metrics and the log."""

import json
import logging
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import RequestFactory

from dbrouting import metrics
from tests.dbrouting.servers import name_of, wait_until
from tests.dbrouting.shop.models import Product


def test_the_table_shows_every_node(shop, capsys):
    call_command("replicas")

    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["NODE", "STATUS", "BREAKER"]
    assert [row.split()[0] for row in rows] == [name_of(node) for node in shop.replicas]
    assert all("in rotation" in row for row in rows)


def test_json_for_programs(shop, capsys):
    shop.replicas[0].kill()

    call_command("replicas", "--json")

    shown = json.loads(capsys.readouterr().out)
    assert shown["alias"] == "replica"
    dead, alive = shown["nodes"]
    assert dead["status"] in {"open", "half-open"}
    assert dead["last_failure"].startswith("refused")
    assert alive["status"] == "in rotation"
    assert shown["in_rotation"] == [alive["node"]]


def test_no_node_in_rotation_is_an_exit_status(shop, capsys):
    for node in shop.replicas:
        node.kill()

    with pytest.raises(CommandError, match="No replica is in rotation") as caught:
        call_command("replicas")

    assert caught.value.returncode == 1
    assert "refused" in capsys.readouterr().out


def test_watch_prints_until_interrupted(shop, capsys, monkeypatch):
    naps = []

    def nap(seconds: float) -> None:
        if seconds == 5:
            naps.append(seconds)
            if len(naps) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr("dbrouting.management.commands.replicas.time.sleep", nap)

    call_command("replicas", "--watch", "5", "--json")

    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_nonsensical_watch_is_refused(shop):
    with pytest.raises(CommandError, match="above 0"):
        call_command("replicas", "--watch", "0")


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_without_replicas_the_command_says_so(settings):
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}

    with pytest.raises(CommandError, match="There are no replicas here"):
        call_command("replicas")


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        call_command("replicas", "--help")

    assert "manage.py replicas --watch 5 --json" in capsys.readouterr().out


def test_metrics_are_prometheus_text(shop):
    shop.stock_up(1)
    Product.objects.count()
    shop.replicas[0].kill()
    for _ in range(4):
        Product.objects.count()

    text = metrics.view(RequestFactory().get("/metrics")).content.decode()

    line = re.compile(r'[a-z_]+(\{([a-z]+="(?:[^"\\]|\\.)*",?)+\})? [0-9.e+-]+$')
    samples = [row for row in text.splitlines() if not row.startswith("#")]
    assert [row for row in samples if not line.match(row)] == []
    dead, alive = (name_of(node) for node in shop.replicas)
    assert f'dbrouting_node_in_rotation{{alias="replica",node="{dead}"}} 0' in samples
    assert f'dbrouting_node_in_rotation{{alias="replica",node="{alive}"}} 1' in samples
    assert any(row.startswith("dbrouting_trips_total") and dead in row for row in samples)
    types = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert len(types) == len(dict(types))


def test_label_values_are_escaped():
    metrics.count(metrics.FAILURES, node='a"b\\c\nd', failure="x")

    assert r'node="a\"b\\c\nd"' in metrics.render()


def test_every_change_of_state_is_a_log_line(shop, caplog):
    caplog.set_level(logging.INFO, logger="dbrouting")
    shop.stock_up(1)
    Product.objects.count()
    name = name_of(shop.replicas[0])
    cluster = connections["replica"].cluster

    shop.replicas[0].kill()
    wait_until(lambda: name not in cluster.rotation.members)
    shop.replicas[0].start()
    wait_until(lambda: name in cluster.rotation.members)

    changes = [record.message for record in caplog.records if record.message.startswith(name)]
    assert any("breaker closed → open (refused" in line for line in changes)
    assert any("breaker half-open → closed" in line for line in changes)
