"""What a fragment read is recorded exactly: too little would leak, too much would hold nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from fragments.bundle import Reads
from origin.plain_copy import plain_copy
from origin.reads import ReadLog, track


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF="tests.origin.purging_urls"):
        yield


def tracked() -> tuple[HttpRequest, ReadLog]:
    factory = RequestFactory(headers={"User-Agent": "test", "Accept-Language": "de"})
    factory.cookies["basket"] = "1"
    factory.cookies["sessionid"] = "secret"
    request = factory.get("/page/?q=1")
    log = ReadLog()
    return track(request, log, request.META, request.COOKIES), log


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda r: None, Reads()),
        (lambda r: r.COOKIES["basket"], Reads(cookies=("basket",))),
        (lambda r: r.COOKIES.get("absent"), Reads(cookies=("absent",))),
        (lambda r: "absent" in r.COOKIES, Reads(cookies=("absent",))),
        (lambda r: r.COOKIES["sessionid"], Reads()),
        (lambda r: r.headers["User-Agent"], Reads(headers=("user-agent",))),
        (lambda r: r.headers.get("X-Absent"), Reads(headers=("x-absent",))),
        (lambda r: r.META.get("HTTP_ACCEPT_LANGUAGE"), Reads(headers=("accept-language",))),
        (lambda r: r.META["PATH_INFO"], Reads(url=True)),
        (lambda r: r.environ["HTTP_USER_AGENT"], Reads(headers=("user-agent",))),
        (lambda r: r.path, Reads(url=True)),
        (lambda r: r.GET.get("q"), Reads(url=True)),
        (lambda r: r.get_full_path(), Reads(url=True)),
        (lambda r: r.build_absolute_uri(), Reads(url=True)),
        (lambda r: r.get_host(), Reads()),
        (lambda r: r.method, Reads()),
    ],
)
def test_each_reading_is_recorded(read: Callable[[HttpRequest], object], expected: Reads) -> None:
    request, log = tracked()
    read(request)

    assert not log.everything
    assert log.as_reads() == expected


@pytest.mark.parametrize(
    "read",
    [
        lambda r: list(r.COOKIES),
        lambda r: dict(r.COOKIES),
        lambda r: r.COOKIES.items(),
        lambda r: r.COOKIES.copy(),
        lambda r: bool(r.COOKIES),
        lambda r: r.COOKIES == {},
        lambda r: str(r.COOKIES),
        lambda r: r.META.get("HTTP_COOKIE"),
        lambda r: r.META["REMOTE_ADDR"],
        lambda r: list(r.headers),
    ],
)
def test_reading_everything_forbids_keeping(read: Callable[[HttpRequest], object]) -> None:
    request, log = tracked()
    read(request)

    assert log.everything


def test_a_copy_reads_nothing() -> None:
    request, log = tracked()

    assert plain_copy(request.COOKIES)["basket"] == "1"
    assert not log.everything
    assert log.as_reads() == Reads()
