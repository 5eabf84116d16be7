"""The advisories of 2026 about Django's own page cache, as bad inputs to the edge."""

from __future__ import annotations

import pytest

from tests.conformance.bad_inputs.site import Reply, Site, esi, page
from tests.conformance.wire import Request


async def test_cve_2026_6907_vary_star_is_not_stored(site: Site) -> None:
    site.serve("/page", lambda request: page(f"for {request.get('x-who')}", vary="*"))
    await site.text(x_who="alice")

    assert await site.text(x_who="bob") == "for bob"


async def test_cve_2026_35192_a_session_saved_on_every_request(site: Site) -> None:
    """The session cookie is set, Vary: Cookie is missing."""

    def handler(request: Request) -> Reply:
        return page("hello", set_cookie=f"sessionid={request.get('x-who')}; HttpOnly")

    site.serve("/page", handler)
    await site.get(x_who="alice")
    response = await site.get(x_who="bob")

    assert response.get("set-cookie") == "sessionid=bob; HttpOnly"


@pytest.mark.parametrize(
    "control", ["PRIVATE, max-age=60", "max-age=60, No-Store", "Max-Age=60, PRIVATE", "NO-CACHE"]
)
async def test_cve_2026_8404_directives_in_any_case(site: Site, control: str) -> None:
    def handler(request: Request) -> Reply:
        return page(f"for {request.get('x-who')}", cache_control=control)

    site.serve("/page", handler)
    await site.text(x_who="alice")

    assert await site.text(x_who="bob") == "for bob"


async def test_cve_2026_48588_an_unrelated_cookie_in_the_request(site: Site) -> None:
    """A visitor who sends any cookie gets a session; who sends the same one must not get it too."""

    def handler(request: Request) -> Reply:
        who = request.get("x-who")
        return page(f"for {who}", vary="Cookie", set_cookie=f"sessionid={who}")

    site.serve("/page", handler)
    await site.get(cookie="banner=1", x_who="alice")
    response = await site.get(cookie="banner=1", x_who="bob")

    assert response.body == b"for bob"
    assert "alice" not in (response.get("set-cookie") or "")


@pytest.mark.parametrize("values", [("", None), (None, ""), ("a", ""), ("", "a"), ("a", None)])
async def test_cve_2026_113593_absent_and_empty_are_two(
    site: Site, values: tuple[str | None, str | None]
) -> None:
    site.serve("/page", lambda request: page(f"<{request.get('x-plan')}>", vary="X-Plan"))
    for value in (*values, *values):
        headers = {} if value is None else {"x_plan": value}
        assert await site.text(**headers) == f"<{value}>"

    assert len(site.asked("/page")) == 2


async def test_pysec_2026_3824_a_parts_vary_counts_for_the_whole(site: Site) -> None:
    site.serve("/part", lambda request: page(f"<{request.get('x-plan')}>", vary="X-Plan"))
    site.serve("/page", esi(f"<esi:include src='{site.base}/part'/>"))
    first = await site.text(x_plan="gold")
    second = await site.text(x_plan="free")

    assert "esi:include" not in first
    # The part may be shown the visitor's field or not; never one visitor's to another.
    assert first in ("<gold>", "<None>")
    assert second in ("<free>", "<None>")
