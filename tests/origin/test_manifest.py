"""The manifest's routes: they match the paths of marked views, and no others."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy as _

from fragments.manifest import Route
from origin import gates, two_pass
from origin.manifest import marked_views, routes


@two_pass(dimensions=["currency"], query=["page"])
def marked(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse()


@two_pass(gate=gates.login_required)
def gated(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def found_for(*patterns: Any, prefix: str = "") -> list[Route]:
    module = ModuleType("tests_origin_urls")
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    with override_settings(ROOT_URLCONF=module.__name__):
        return routes(prefix)


def matching(routes: list[Route], *paths: str) -> list[str]:
    return [p for p in paths if any(re.search(route.pattern, p) for route in routes)]


def test_routes_say_what_is_declared() -> None:
    (route,) = found_for(path("shoes/<int:pk>/", marked), path("plain/", plain))
    assert (route.dimensions, route.query, route.gate) == (("currency",), ("page",), False)
    assert found_for(path("club/", gated))[0].gate


@pytest.mark.parametrize(
    ("patterns", "yes", "no"),
    [
        (
            [path("shoes/<int:pk>/", marked)],
            ["/shoes/7/"],
            ["/shoes/x/", "/shoes/7/x", "/x/shoes/7/"],
        ),
        ([path("", marked)], ["/"], ["/x", ""]),
        ([re_path(r"^a/(?P<x>[0-9]+)$", marked)], ["/a/12"], ["/a/", "/a/1/"]),
        ([re_path(r"b/", marked)], ["/b/"], ["/ab"]),
        ([path("in/", include([path("ner/<slug:s>/", marked)]))], ["/in/ner/x-y/"], ["/in/x/"]),
        (
            [path("<slug:x>/", include([path("<slug:x>/", marked)]))],
            ["/a/b/"],
            ["/a/"],
        ),
    ],
)
def test_they_match_the_paths_of_marked_views(
    patterns: list[Any], yes: list[str], no: list[str]
) -> None:
    found = found_for(*patterns)
    assert matching(found, *yes, *no) == yes


def test_a_script_name_is_part_of_the_path() -> None:
    found = found_for(path("shoes/", marked), prefix="/shop.v2")
    assert matching(found, "/shop.v2/shoes/", "/shoes/", "/shopxv2/shoes/") == ["/shop.v2/shoes/"]


def test_every_language_has_its_routes() -> None:
    with override_settings(
        USE_I18N=True, LANGUAGE_CODE="en", LANGUAGES=[("en", "English"), ("de", "Deutsch")]
    ):
        found = found_for(*i18n_patterns(path(_("Monday/"), marked), prefix_default_language=False))
        assert matching(found, "/Monday/", "/de/Monday/", "/fr/Monday/") == [
            "/Monday/",
            "/de/Monday/",
        ]


def test_a_pattern_that_refers_back_is_left_out() -> None:
    assert found_for(re_path(r"^(?P<a>x+)/(?P=a)$", marked)) == []


def test_marked_views_are_listed_for_checks() -> None:
    with override_settings(ROOT_URLCONF="tests.origin.shop.urls"):
        patterns = [view.pattern for view in marked_views()]
    assert "club/" in patterns
    assert "login/" not in patterns
