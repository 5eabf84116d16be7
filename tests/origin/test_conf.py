"""settings.TWOPASS: read once, checked, and clear about what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from fragments.dimensions import Dimension
from origin.conf import IGNORABLE_QUERY, get_settings

SECRET = "0123456789" * 4


def read(**keys: Any) -> Any:
    with override_settings(TWOPASS={"SECRET": SECRET, **keys}):
        return get_settings()


def test_defaults_are_safe() -> None:
    conf = read()
    assert conf.enabled
    assert not conf.strict
    assert conf.surrogate_secret is None
    assert (conf.max_age, conf.fragment_max_age, conf.cache) == (300.0, 60.0, "default")
    assert conf.ignorable_query == IGNORABLE_QUERY


def test_development_is_strict() -> None:
    with override_settings(DEBUG=True):
        assert read().strict
        assert not read(STRICT=False).strict


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"MAXAGE": 3}, r"no key 'MAXAGE'; did you mean 'MAX_AGE'"),
        ({"XYZZY": 3}, r"no key 'XYZZY'$"),
        ({"MAX_AGE": "5"}, r"\['MAX_AGE'\] is '5', but must be seconds"),
        ({"MAX_AGE": -1}, "seconds, 0 or more"),
        ({"ENABLED": "no"}, "True or False"),
        ({"WORKERS": 0}, "whole number > 0"),
        ({"MAX_SHELL": True}, "whole number > 0"),
        ({"BYPASS_COOKIES": "preview"}, "a list of text"),
        ({"CACHE": 5}, "must be text"),
        ({"SECRET": "short"}, "32 characters"),
        ({"DIMENSIONS": ["x"]}, "a dict from names to definitions"),
        ({"DIMENSIONS": {"x": "y"}}, "a definition is a dict"),
        ({"DIMENSIONS": {"x": {"values": "abc"}}}, "values is a list"),
        ({"DIMENSIONS": {"x": {"values": ["a"], "colour": 1}}}, "unknown option 'colour'"),
        ({"DIMENSIONS": {"x": {"values": ["a"], "default": "b"}}}, "default 'b' is not a value"),
        ({"DIMENSIONS": {"X!": {"values": ["a"]}}}, "lower-case letters"),
    ],
)
def test_mistakes_are_named(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        read(**keys)


def test_it_is_a_dict() -> None:
    with override_settings(TWOPASS=["x"]), pytest.raises(ImproperlyConfigured, match="a dict"):
        get_settings()


def test_dimensions_may_be_short() -> None:
    found = read(
        DIMENSIONS={
            "currency": {"values": ["EUR", "USD"]},
            "banner": {"source": "bucket", "weights": {"a": 9, "b": 1}},
            "given": Dimension("given", "cookie", "given", ("x",), "x"),
        }
    ).dimensions
    assert found["currency"] == Dimension("currency", "cookie", "currency", ("EUR", "USD"), "EUR")
    assert found["banner"].weights == (9, 1)
    assert found["given"].field == "given"


def test_secrets_rotate() -> None:
    other = "abcdefghij" * 4
    assert len(read(SECRET=[SECRET, other]).keyring.keys("shell")) == 2
    assert len(read(SECRET=f"{SECRET}, {other}").keyring.keys("shell")) == 2


def test_without_a_secret_pages_work_in_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWOPASS_SECRET", raising=False)
    with override_settings(TWOPASS={}):
        assert not get_settings().secret_is_shared
        first = get_settings().keyring.digest("shell", b"x")
    with override_settings(TWOPASS={}, SECRET_KEY="another"):
        assert get_settings().keyring.digest("shell", b"x") != first
    monkeypatch.setenv("TWOPASS_SECRET", SECRET)
    with override_settings(TWOPASS={}):
        assert get_settings().secret_is_shared
