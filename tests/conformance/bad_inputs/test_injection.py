"""Bad inputs 1 to 17: markup that nobody meant to be ESI."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.bad_inputs.site import Reply, Site, esi, page
from tests.conformance.wire import Request


def with_control(site: Site, body: str) -> Reply:
    """An ESI page with an include that must work beside what must not."""
    site.serve("/ok", page("[OK]"))
    return esi(f'<i><esi:include src="{site.base}/ok"/></i>{body}<b>end</b>')


def hosts_asked(site: Site) -> set[str]:
    return {request.get("host") or "" for request in site.origin.requests}


async def test_01_an_include_in_a_reflected_query_goes_nowhere(site: Site) -> None:
    def reflect(request: Request) -> Reply:
        return with_control(site, '<p><esi:include src="//evil.test/x"/></p>')

    site.serve("/page", reflect)
    text = await site.text("/page?q=%3Cesi:include")

    assert text == "<i>[OK]</i><p></p><b>end</b>"
    assert not any("evil" in host for host in hosts_asked(site))


async def test_02_an_include_in_stored_text_goes_nowhere(site: Site) -> None:
    site.serve("/page", with_control(site, '<p><esi:include src="http://evil.test/"/></p>'))

    for _ in range(2):
        assert await site.text() == "<i>[OK]</i><p></p><b>end</b>"
    assert not any("evil" in host for host in hosts_asked(site))


async def test_03_a_fragment_that_is_not_marked_is_not_esi(site: Site) -> None:
    inner = f'<esi:include src="{site.base}/secret"/>'
    site.serve("/secret", page("secret"))
    site.serve("/fragment", page(inner))
    site.serve("/page", with_control(site, f'<esi:include src="{site.base}/fragment"/>'))

    assert await site.text() == f"<i>[OK]</i>{inner}<b>end</b>"
    assert site.asked("/secret") == []


async def test_04_a_tag_split_over_fragments_is_none(site: Site) -> None:
    site.serve("/secret", page("secret"))
    site.serve("/one", esi("<esi:inc"))
    site.serve("/two", esi(f'lude src="{site.base}/secret"/>'))
    includes = "".join(f'<esi:include src="{site.base}/{name}"/>' for name in ("one", "two"))
    site.serve("/page", with_control(site, includes))

    text = await site.text()
    assert text.startswith("<i>[OK]</i>")
    assert "secret" not in text.replace("/secret", "")
    assert site.asked("/secret") == []


async def test_05_one_byte_chunks_make_the_same_page(site: Site) -> None:
    body = with_control(site, "<esi:vars>$(HTTP_HOST)</esi:vars><!--esi x-->").body
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    headers = {"content-type": "text/html", "surrogate-control": 'content="ESI/1.0"'}
    site.serve("/whole", Reply(body, headers=headers))
    site.serve("/page", Reply(chunks, headers={**headers, "transfer-encoding": "chunked"}))

    whole = await site.text("/whole")
    assert whole.startswith("<i>[OK]</i>")
    assert await site.text("/page") == whole


async def test_06_where_a_tag_stands_in_html_does_not_matter_but_in_cdata(site: Site) -> None:
    tag = f'<esi:include src="{site.base}/x"/>'
    site.serve("/x", page("X"))
    frames = ("<script>{}</script>", "<textarea>{}</textarea>", "<!-- {} -->", '<a title="{}">')
    body = "".join(frame.format(tag) for frame in frames) + f"<![CDATA[{tag}]]>"
    site.serve("/page", with_control(site, body))

    expected = "".join(frame.format("X") for frame in frames) + f"<![CDATA[{tag}]]>"
    assert await site.text() == f"<i>[OK]</i>{expected}<b>end</b>"


async def test_07_an_esi_comment_in_user_text_loses_nothing(site: Site) -> None:
    site.serve("/page", with_control(site, "<p><!--esi rest</p>"))

    assert await site.text() == "<i>[OK]</i><p> rest</p><b>end</b>"


@pytest.mark.parametrize(
    "tag", ["<ESI:INCLUDE", "<esi :include", "<esi:inc\0lude", "<esi:\tinclude"]
)
async def test_08_what_is_nearly_a_tag_is_text(site: Site, tag: str) -> None:
    site.serve("/x", page("X"))
    site.serve("/page", with_control(site, f'{tag} src="{site.base}/x"/>'))

    assert await site.text() == f'<i>[OK]</i>{tag} src="{site.base}/x"/><b>end</b>'
    assert site.asked("/x") == []


async def test_09_a_quote_in_a_variable_stays_in_its_url(site: Site) -> None:
    site.serve("/x", page("X"))
    src = f"{site.base}/x?q=$(QUERY_STRING{{q}})"
    site.serve("/page", with_control(site, f'<esi:include src="{src}"/>'))
    text = await site.text("/page?q=%22%20alt=%22//evil.test/&z=1")

    assert text == "<i>[OK]</i>X<b>end</b>"
    assert [r.target.partition("?")[2] for r in site.asked("/x")] == [
        "q=%22%20alt%3D%22%2F%2Fevil.test%2F"
    ]


async def test_10_a_tag_in_a_variable_is_text(site: Site) -> None:
    site.serve("/x", page("X"))
    site.serve("/page", with_control(site, "<esi:vars>$(QUERY_STRING{q})</esi:vars>"))
    text = await site.text(f"/page?q=%3Cscript%3E%3Cesi:include%20src=%22{site.base}/x%22/%3E")

    assert text.startswith("<i>[OK]</i>&lt;script&gt;&lt;esi:include")
    assert "<script" not in text
    assert site.asked("/x") == []


async def test_11_no_variable_shows_a_session_cookie(site: Site) -> None:
    body = "<esi:vars>$(HTTP_COOKIE{sessionid})$(HTTP_COOKIE)$(HTTP_AUTHORIZATION)</esi:vars>"
    site.serve("/page", with_control(site, body))

    assert await site.text(cookie="sessionid=s3cret") == "<i>[OK]</i><b>end</b>"


async def test_12_a_line_break_in_src_starts_no_header(site: Site) -> None:
    site.serve("*", page("X"))
    bad = f'<esi:include src="{site.base}/a&#13;&#10;X-Evil: 1"/>'
    by_variable = f'<esi:include src="{site.base}/b?$(QUERY_STRING{{q}})"/>'
    site.serve("/page", with_control(site, bad + by_variable))

    assert await site.text("/page?q=%0d%0aX-Evil:%201") == "<i>[OK]</i>X<b>end</b>"
    assert all(request.get("x-evil") is None for request in site.asked())
    assert not any(request.target.startswith(f"{site.base}/a") for request in site.asked())


@pytest.mark.parametrize(
    "forged", ["<!-- esi-placeholder-0 -->", "[[2p:AAAA.BBBB]]", "\x00\x01esi-0\x01", "{{hole:0}}"]
)
async def test_13_no_text_is_taken_for_a_place_holder(site: Site, forged: str) -> None:
    site.serve("/page", with_control(site, forged))

    assert await site.text() == f"<i>[OK]</i>{forged}<b>end</b>"


async def test_14_a_fragment_is_no_replacement_pattern(site: Site) -> None:
    text = "a $& $1 $$ \\1 \\g<0> %s {0} b"
    site.serve("/x", page(text))
    site.serve("/page", with_control(site, f'<esi:include src="{site.base}/x"/>'))

    assert await site.text() == f"<i>[OK]</i>{text}<b>end</b>"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-7"])
async def test_15_esi_in_another_encoding_is_no_esi(site: Site, encoding: str) -> None:
    site.serve("/x", page("X"))
    body = f'<esi:include src="{site.base}/x"/>'.encode(encoding)
    body = body.replace(b"<", b"+ADw-") if encoding == "utf-7" else body
    headers = {"content-type": "text/html", "surrogate-control": 'content="ESI/1.0"'}
    site.serve("/page", Reply(body, headers=headers))
    site.serve("/control", with_control(site, ""))

    assert (await site.get()).body == body
    assert site.asked("/x") == []
    assert await site.text("/control") == "<i>[OK]</i><b>end</b>"


async def test_16_two_src_run_neither(site: Site) -> None:
    site.serve("/x", page("X"))
    tag = f'<esi:include src="{site.base}/x" src="{site.base}/x?2"/>'
    site.serve("/page", with_control(site, tag))

    assert await site.text() == "<i>[OK]</i><b>end</b>"
    assert site.asked("/x") == []


@pytest.mark.parametrize("size", [9 * 1024, 32 * 1024, 64 * 1024])
async def test_17_oversize_urls_and_attributes_run_nothing(site: Site, size: int) -> None:
    site.serve("*", page("X"))
    tag = f'<esi:include src="{site.base}/x?{"a" * size}"/>'
    site.serve("/page", with_control(site, tag))
    text = await asyncio.wait_for(site.text(), 10)

    assert text.startswith("<i>[OK]</i>")
    assert text.endswith("<b>end</b>")
    assert site.asked("/x") == []
