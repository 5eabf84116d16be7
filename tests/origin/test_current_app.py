"""Links in fragments: the page's address is read only where it can change one."""

from __future__ import annotations

import types

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, include, path

from origin.current_app import has_single_instances, settle


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def urlconf(name: str, *patterns: object) -> str:
    import sys

    module = types.ModuleType(name)
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    sys.modules[name] = module
    return name


SHOP = ([path("x/", view, name="x")], "shop")
NESTED = ([path("deep/", include(SHOP, namespace="deep"))], "outer")


@pytest.fixture(autouse=True)
def _fresh_resolvers() -> None:
    clear_url_caches()
    has_single_instances.cache_clear()


@pytest.mark.parametrize(
    ("patterns", "settled"),
    [
        ([path("x/", view)], True),
        ([path("a/", include(SHOP, namespace="one"))], True),
        ([path("a/", include(SHOP, namespace="one")), path("b/", include(SHOP, namespace="two"))],
         False),
        ([path("n/", include(NESTED, namespace="n"))], True),
        ([path("a/", include(SHOP, namespace="one")), path("n/", include(NESTED, namespace="n"))],
         True),
    ],
    ids=["none", "one instance", "two instances", "nested", "one here and one below"],
)  # fmt: skip
def test_only_several_instances_make_links_depend_on_the_page(
    patterns: list[object], settled: bool
) -> None:
    request = HttpRequest()
    settle(request, urlconf("tests_origin_current_app", *patterns))

    assert ("current_app" in request.__dict__) is settled


def test_an_instance_chosen_by_the_project_stays(rf: object) -> None:
    request = HttpRequest()
    request.current_app = "two"  # type: ignore[attr-defined]
    settle(request, urlconf("tests_origin_current_app", path("x/", view)))

    assert request.current_app == "two"  # type: ignore[attr-defined]
