"""The admin port opens to its token only."""

from __future__ import annotations

import base64

import httpx
import pytest

from tests.edge.admin.conftest import TOKEN, Member, client_of


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Token {TOKEN}",
        TOKEN,
        basic(TOKEN),
        "Basic ****",
        "Bearer ünïcode",
    ],
)
async def test_a_purge_without_the_token_does_nothing(member: Member, value: str) -> None:
    async with client_of(member) as client:
        headers = [(b"authorization", value.encode("latin-1"))]
        answer = await client.post("/purge", json={"all": True}, headers=headers)

    assert answer.status_code == 401
    assert "TWOPASS_ADMIN_TOKEN" in answer.text
    assert member.applied == []


@pytest.mark.parametrize("path", ["/", "/status", "/objects", "/visits", "/metrics", "/nothing"])
async def test_nothing_is_shown_without_the_token(member: Member, path: str) -> None:
    async with client_of(member) as client:
        answer = await client.get(path)

    assert answer.status_code == 401
    assert "uptime" not in answer.text


async def test_without_a_token_set_the_port_is_closed(member: Member) -> None:
    async with client_of(member, admin_token="") as client:
        headers = {"Authorization": "Bearer "}
        answers = [
            await client.get("/status", headers=headers),
            await client.post("/purge", json={"all": True}, headers=headers),
        ]
        health = await client.get("/health")

    assert [answer.status_code for answer in answers] == [403, 403]
    assert health.json() == {"status": "ok"}
    assert member.applied == []


async def test_a_browser_may_look_but_not_change(member: Member) -> None:
    async with client_of(member) as client:
        headers = {"Authorization": basic(TOKEN)}
        seen = await client.get("/status", headers=headers)
        changed = await client.post("/purge", json={"all": True}, headers=headers)

    assert seen.status_code == 200
    assert changed.status_code == 401
    assert member.applied == []


@pytest.mark.parametrize(
    ("address", "status"), [("10.0.0.7", 200), ("10.0.1.7", 401), ("127.0.0.1", 401), ("odd", 401)]
)
async def test_tokenless_purge_comes_from_listed_addresses_only(
    member: Member, address: str, status: int
) -> None:
    async with client_of(member, address, purge_from=("10.0.0.0/24",)) as client:
        headers = {"X-Forwarded-For": "10.0.0.7"}
        answer = await client.request("PURGE", "/product/1/", headers=headers)
        other = await client.post("/purge", json={"all": True}, headers=headers)

    assert answer.status_code == status
    assert other.status_code == 401
    assert len(member.applied) == (status == 200)


def test_an_address_that_is_none_is_an_error(member: Member) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        client_of(member, purge_from=("nonsense",))


async def test_health_says_nothing_but_health(member: Member) -> None:
    async with client_of(member) as client:
        assert (await client.get("/health")).content == httpx.Response(
            200, json={"status": "ok"}
        ).content
