"""Purging, looking, scraping."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edge.core.purge import Invalidation
from tests.edge.admin.conftest import Member


async def test_a_purge_is_applied_and_receipted(admin: httpx.AsyncClient, member: Member) -> None:
    document = {
        "urls": ["https://shop.example/a"],
        "groups": ["product:42"],
        "prefixes": ["https://shop.example/blog/"],
        "soft": True,
        "wait": 2,
        "lsn": "0/16B3748",
    }
    answer = await admin.post("/purge", json=document)

    assert answer.json() == {
        "position": 1,
        "node": "node",
        "applied": {"node/0": True},
        "complete": True,
    }
    assert member.applied == [
        Invalidation(
            urls=("https://shop.example/a",),
            groups=("product:42",),
            prefixes=("https://shop.example/blog/",),
            soft=True,
            lsn="0/16B3748",
        )
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "JSON object"),
        ({}, "nothing to purge"),
        ({"groups": []}, "nothing to purge"),
        ({"group": ["a"]}, "unknown fields: 'group'"),
        ({"groups": "product:42"}, "'groups' is a list of text"),
        ({"groups": [1]}, "'groups' is a list of text"),
        ({"groups": [""]}, "1 to 8192 characters"),
        ({"groups": ["x" * 9000]}, "1 to 8192 characters"),
        ({"urls": ["/product/1"]}, "is not absolute"),
        ({"urls": ["*"]}, "is not absolute"),
        ({"prefixes": ["/"]}, "is not absolute"),
        ({"all": "yes"}, "'all' is true or false"),
        ({"all": True, "soft": 1}, "'soft' is true or false"),
        ({"all": True, "wait": -1}, "between 0 and 60"),
        ({"all": True, "wait": 61}, "between 0 and 60"),
        ({"all": True, "wait": "1"}, "number of seconds"),
        ({"all": True, "wait": True}, "number of seconds"),
        ({"all": True, "lsn": 5}, "'lsn' is text"),
    ],
)
async def test_a_wrong_purge_says_why_and_does_nothing(
    admin: httpx.AsyncClient, member: Member, document: Any, message: str
) -> None:
    answer = await admin.post("/purge", json=document)

    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert member.applied == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"NaN", b'{"all": true, "wait": NaN}'])
async def test_a_body_that_is_no_json_is_refused(
    admin: httpx.AsyncClient, member: Member, body: bytes
) -> None:
    answer = await admin.post("/purge", content=body)

    assert answer.status_code == 400
    assert member.applied == []


@pytest.mark.parametrize(
    ("target", "rest"),
    [
        ("/", "/"),
        ("/a/?q=1", "/a/?q=1"),
        ("/caf%C3%A9/%2F", "/caf%C3%A9/%2F"),
        ("/purge", "/purge"),
    ],
)
async def test_purge_by_method_takes_both_schemes(
    admin: httpx.AsyncClient, member: Member, target: str, rest: str
) -> None:
    answer = await admin.request("PURGE", target)

    assert answer.status_code == 200
    assert member.applied == [
        Invalidation(urls=(f"http://shop.example{rest}", f"https://shop.example{rest}"))
    ]


async def test_status_and_objects(admin: httpx.AsyncClient) -> None:
    status = (await admin.get("/status")).json()
    objects = (await admin.get("/objects?prefix=http://shop/&limit=2")).json()

    assert status == {
        "ready": True,
        "processes": {"node/0": {"uptime": 1.5, "store": {"objects": 2}}},
    }
    assert [item["url"] for item in objects] == ["http://shop/0", "http://shop/1"]


async def test_visits(admin: httpx.AsyncClient) -> None:
    found = (await admin.get("/visits?prefix=http://shop/&limit=3")).json()

    assert found == [
        {"url": "http://shop/0", "visits": 1.0},
        {"url": "http://shop/1", "visits": 0.5},
        {"url": "http://shop/2", "visits": 0.333},
    ]
    assert len((await admin.get("/visits")).json()) == 100


@pytest.mark.parametrize("name", ["objects", "visits"])
@pytest.mark.parametrize("limit", ["x", "-1", "100000", "", "²"])
async def test_a_wrong_limit_is_refused(admin: httpx.AsyncClient, name: str, limit: str) -> None:
    assert (await admin.get(f"/{name}?limit={limit}")).status_code == 400


async def test_metrics_are_prometheus_text(admin: httpx.AsyncClient, member: Member) -> None:
    member.requests.add("hit", by=3)
    page = await admin.get("/metrics")

    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'twopass_edge_requests_total{outcome="hit"} 3\n' in page.text


async def test_the_dashboard_needs_nothing_from_elsewhere(admin: httpx.AsyncClient) -> None:
    page = await admin.get("/")

    assert page.status_code == 200
    assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
    assert "default-src 'none'" in page.headers["content-security-policy"]
