from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import models
from django.test import override_settings
from django.urls import clear_url_caches, path

from origin import checks, model_groups, model_signals, registry
from origin.checks import check_all
from origin.model_groups import declare_groups
from origin.page import two_pass
from origin.registry import fragment

from .stock.models import Page, Product
from .template_sets import django_engine, engines_of
from .test_jinja2_auto_holes import engine as jinja2_engine

OURS = "origin.middleware.TwoPassMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
SECRET = "a-secret-of-the-tests-long-enough-to-be-one"
EDGE = {"EDGES": ["http://127.0.0.1:9000"], "ADMIN_TOKEN": "t", "SECRET": SECRET}
REDIS = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "x"}}

urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def sound(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project without a fault, but for what a test does to it."""
    monkeypatch.setattr(registry, "_FRAGMENTS", {})
    monkeypatch.setattr(model_groups, "_declared", {})
    monkeypatch.delenv("TWOPASS_SECRET", raising=False)
    monkeypatch.delenv("TWOPASS_ADMIN_TOKEN", raising=False)
    urlpatterns.clear()
    clear_url_caches()
    # the models of these tests show what W007 is about; its own test looks at them
    monkeypatch.setattr("origin.checks.models._invalidates", lambda manager: True)
    with override_settings(
        MIDDLEWARE=[OURS, GZIP],
        TWOPASS={},
        CACHES=REDIS,
        ROOT_URLCONF=__name__,
        TEMPLATES=[django_engine({}, builtins=("origin.templatetags.twopass_auto",))],
    ):
        yield


def found() -> dict[str, CheckMessage]:
    messages = check_all()
    assert all(message.hint for message in messages), "each says what to do"
    return {str(message.id).removeprefix("twopass."): message for message in messages}


@contextmanager
def two_pass_settings(**values: Any) -> Iterator[None]:
    with override_settings(TWOPASS=values):
        yield


def test_a_sound_project_has_no_messages():
    assert found() == {}
    with override_settings(MIDDLEWARE=[OURS], TWOPASS=EDGE):
        assert found() == {}


def test_they_are_registered():
    with two_pass_settings(MAXAGE=3):
        assert "twopass.E001" in [message.id for message in run_checks(tags=["twopass"])]


def test_E001_an_unknown_key():
    with two_pass_settings(MAX_AEG=300):
        assert list(found()) == ["E001"]
        assert "did you mean 'MAX_AGE'" in found()["E001"].msg


def test_E002_a_bad_dimension():
    with two_pass_settings(DIMENSIONS={"currency": {"values": ["EUR"], "default": "USD"}}):
        assert list(found()) == ["E002"]


@pytest.mark.parametrize("secret", ["short", ["short", SECRET]])
def test_E003_a_short_secret(secret):
    with two_pass_settings(SECRET=secret):
        assert list(found()) == ["E003"]


def test_E004_a_value_of_the_wrong_kind():
    with two_pass_settings(MAX_AGE="soon"):
        assert list(found()) == ["E004"]


def test_E005_a_cache_that_is_not_there():
    with two_pass_settings(CACHE="pages"):
        assert list(found()) == ["E005"]
    with two_pass_settings(CACHE=""):
        assert found() == {}


def test_E006_the_middleware_is_missing():
    with override_settings(MIDDLEWARE=["django.middleware.common.CommonMiddleware"]):
        assert list(found()) == ["E006"]


def test_E007_the_middleware_is_not_first():
    common = "django.middleware.common.CommonMiddleware"
    with override_settings(MIDDLEWARE=[common, OURS]):
        assert list(found()) == ["E007"]
        assert common in found()["E007"].hint


def test_E008_a_cache_of_the_whole_site():
    fetch = "django.middleware.cache.FetchFromCacheMiddleware"
    with override_settings(MIDDLEWARE=[OURS, fetch]):
        assert list(found()) == ["E008"]


def test_E009_edges_without_a_secret():
    with two_pass_settings(**{**EDGE, "SECRET": None}), override_settings(MIDDLEWARE=[OURS]):
        assert list(found()) == ["E009"]


def test_E010_edges_without_a_token(monkeypatch):
    with two_pass_settings(**{**EDGE, "ADMIN_TOKEN": None}), override_settings(MIDDLEWARE=[OURS]):
        assert list(found()) == ["E010"]


def test_E011_an_address_that_is_none():
    with (
        two_pass_settings(**{**EDGE, "EDGES": ["edge:9000"]}),
        override_settings(MIDDLEWARE=[OURS]),
    ):
        assert list(found()) == ["E011"]


def test_E012_a_dimension_that_is_not_declared():
    fragment("price", dimensions=["currency"])(lambda request: "")
    assert "Fragment 'price'" in found()["E012"].msg
    registry._FRAGMENTS.clear()

    urlpatterns.append(path("p/", two_pass(dimensions=["language"])(lambda request: None)))
    clear_url_caches()
    assert "'language'" in found()["E012"].msg


def test_E013_a_fallback_that_nobody_registers():
    fragment("price", alt="no-price")(lambda request: "")
    assert list(found()) == ["E013"]

    fragment("no-price")(lambda request: "")
    assert found() == {}


def test_E014_groups_that_cannot_work(monkeypatch):
    monkeypatch.setattr(Product, "two_pass_groups", ("product:{price_tag}",))
    model_signals.connect()  # the project starts, so that the check can speak
    assert list(found()) == ["E014"]


def test_E015_a_module_of_the_project_hides_ours(monkeypatch, tmp_path):
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "edge", raising=False)

    assert str(tmp_path / "edge") in found()["E015"].msg


@pytest.mark.parametrize("name", ["fragments/__init__.py", "dbrouting.py"])
def test_W008_ours_hides_a_module_of_the_project(monkeypatch, tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    assert list(found()) == ["W008"]
    assert str(tmp_path) in found()["W008"].msg


def test_W001_a_cache_that_processes_do_not_share():
    local = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    with override_settings(CACHES=local, DEBUG=False):
        assert list(found()) == ["W001"]
        with override_settings(DEBUG=True):
            assert found() == {}


def test_W002_compression_in_the_wrong_place():
    with override_settings(TWOPASS=EDGE):
        assert list(found()) == ["W002"]
    with override_settings(MIDDLEWARE=[GZIP, OURS]):
        assert list(found()) == ["E007", "W002"]


def test_W003_sessions_saved_with_every_request():
    with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
        assert list(found()) == ["W003"]


def test_W004_and_W005_https_that_ends_before_django():
    with override_settings(TWOPASS=EDGE, MIDDLEWARE=[OURS], SESSION_COOKIE_SECURE=True):
        assert list(found()) == ["W004", "W005"]
        with override_settings(CSRF_TRUSTED_ORIGINS=["https://shop.example"]):
            assert list(found()) == ["W004"]
        with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
            assert found() == {}


def test_W006_an_edge_that_hears_of_no_change():
    with two_pass_settings(SECRET=SECRET):
        assert list(found()) == ["W006"]


def test_W007_a_manager_whose_updates_purge_nothing(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(model_groups, "_declared", {})
    declare_groups(Page, "page:{pk}")

    warned = {
        message.msg.partition(":")[0] for message in check_all() if message.id == "twopass.W007"
    }
    assert warned == {"stock.Category.objects", "stock.Tag.objects", "stock.Page.objects"}


def test_W007_sees_managers_that_make_their_own_querysets():
    class Others(models.Manager):
        def get_queryset(self):
            return models.QuerySet(self.model)

    others = Others()
    others.model = Page
    from origin.checks import models as module

    assert not isinstance(others.get_queryset(), module.InvalidatingQuerySet)
    assert isinstance(Product.objects.get_queryset(), module.InvalidatingQuerySet)


def test_W009_engines_that_make_no_holes_of_messages():
    with engines_of(django_engine({})):
        assert list(found()) == ["W009"]
    with engines_of(jinja2_engine({})):
        assert found() == {}
    with engines_of(jinja2_engine({}, extensions=["origin.jinja2.TwoPassExtension"])):
        assert list(found()) == ["W009"]


def test_I001_tokens_in_sessions():
    with override_settings(CSRF_USE_SESSIONS=True):
        assert list(found()) == ["I001"]


def test_each_id_is_documented_and_has_a_test_of_its_name():
    folder = Path(checks.__file__).parent
    source = "".join(file.read_text() for file in folder.glob("*.py"))
    ids = set(re.findall(r'id="twopass\.([EWI]\d{3})"', source))
    documentation = (folder.parents[1] / "docs" / "checks.md").read_text()
    documented = set(re.findall(r"^### twopass\.([EWI]\d{3})", documentation, re.MULTILINE))
    tests = re.findall(r"^def (test_[EWI]\w+)", Path(__file__).read_text(), re.MULTILINE)
    tested = {name for test in tests for name in re.findall(r"[EWI]\d{3}", test)}

    assert ids == documented == tested
