"""REPLICAS: what may be written, and what is said about what may not."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from dbrouting.nodes import Node, expand, parse_nodes, primary_nodes


@pytest.mark.parametrize(
    ("entry", "name", "host", "port"),
    [
        ("db2", "db2:5432", "db2", "5432"),
        ("db2:5433", "db2:5433", "db2", "5433"),
        ("10.0.0.2:5433", "10.0.0.2:5433", "10.0.0.2", "5433"),
        ("[::1]:5433", "[::1]:5433", "::1", "5433"),
        ("::1", "[::1]:5432", "::1", "5432"),
        ("/run/postgresql:5433", "/run/postgresql:5433", "/run/postgresql", "5433"),
        ({"HOST": "db2", "PORT": 5433}, "db2:5433", "db2", "5433"),
        ({"HOST": "db2", "NAME": "oslo"}, "oslo", "db2", "5432"),
    ],
)
def test_entries(entry, name, host, port):
    assert parse_nodes([entry], "5432") == (Node(name, host, port),)


def test_weight_and_zone():
    [node] = parse_nodes([{"HOST": "db2", "WEIGHT": 3, "ZONE": "oslo"}])

    assert (node.weight, node.zone) == (3, "oslo")


def replicas_of_today() -> list[str]:
    return ["db7"]


def test_a_callable_or_its_path():
    assert parse_nodes(replicas_of_today)[0].host == "db7"
    assert parse_nodes("tests.dbrouting.shop.hosts.replicas")[0].host == "db8"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (None, "must be a list"),
        ({"HOST": "db2"}, "must be a list"),
        ([""], "write 'host'"),
        ([5432], "write 'host'"),
        (["db2:http"], "'http' is no port"),
        (["db2:70000"], "is no port"),
        ([{"PORT": 5432}], "HOST is needed"),
        ([{"HOST": "db2", "WIEGHT": 2}], "may be"),
        ([{"HOST": "db2", "WEIGHT": -1}], "WEIGHT"),
        ([{"HOST": "db2", "WEIGHT": True}], "WEIGHT"),
        (["db2", "db2"], "more than once"),
    ],
)
def test_mistakes_are_named(entries, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        parse_nodes(entries)


def test_libpqs_lists_of_the_primary():
    hosts = primary_nodes("db1,db2", "5432")

    assert [node.name for node in hosts] == ["db1:5432", "db2:5432"]
    assert [node.name for node in primary_nodes("db1,db2", "1,2")] == ["db1:1", "db2:2"]
    assert [node.name for node in primary_nodes("", "")] == ["local"]


def test_resolve_makes_a_node_of_every_address():
    nodes = parse_nodes([{"HOST": "pool", "RESOLVE": True, "WEIGHT": 2}, "db9"], "5432")

    found = expand(nodes, lambda host, port: ["10.0.0.2", "10.0.0.1"])

    assert [node.name for node in found] == ["10.0.0.1:5432", "10.0.0.2:5432", "db9:5432"]
    assert found[0].weight == 2


def test_a_name_that_is_gone_stays_itself():
    nodes = parse_nodes([{"HOST": "pool", "RESOLVE": True}], "5432")

    assert [node.name for node in expand(nodes, lambda host, port: [])] == ["pool:5432"]


def test_real_addresses_are_found():
    [node] = expand(parse_nodes([{"HOST": "127.0.0.1", "RESOLVE": True}], "5432"))

    assert node.name == "127.0.0.1:5432"
