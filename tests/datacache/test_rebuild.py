"""Rebuilding: order, resuming, failures, exit codes, and the pages themselves."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from origin.datacache.rebuild import Page, planning
from origin.datacache.rebuild.journal import Journal
from origin.datacache.rebuild.progress import Progress
from origin.datacache.rebuild.refreshing import word_for
from origin.datacache.rebuild.rendering import Task, perform
from origin.datacache.rebuild.sources import BadSource, Source, in_order, read_sitemap
from origin.datacache.rebuild.words import FAILED, FRESH, MADE, PASSED
from tests.datacache.shop.models import Shelf, Shoe

BASE = "http://shop.example"


def source(name: str, *after: str) -> Source:
    return Source(name, list, after)


def test_sources_come_behind_what_they_depend_on() -> None:
    after = {"products": ("shelves",), "home": ("products", "shelves"), "shelves": ()}
    sources = {name: source(name, *before) for name, before in after.items()}

    assert [item.name for item in in_order(sources)] == ["shelves", "products", "home"]


@pytest.mark.parametrize(
    ("after", "message"), [(("b",), "a → b → a"), (("x",), "none of a, b")], ids=["circle", "none"]
)
def test_sources_that_cannot_be_ordered(after: Sequence[str], message: str) -> None:
    with pytest.raises(BadSource, match=message):
        in_order({"a": source("a", *after), "b": source("b", "a")})


def test_pages_are_chosen_by_group_once_and_by_use() -> None:
    dollars = Page("/a", cookies={"currency": "USD"})
    listed = ("/a", Page("/b", groups=("g",)), "/c", "/a", dollars)
    pages = [planning.absolute(page, BASE) for page in listed]

    assert [p.url[-1] for p in planning.wanted(pages, [], {})] == ["a", "b", "c", "a"]
    known = {f"{BASE}/c": ("g",)}
    assert [p.url[-1] for p in planning.wanted(pages, ["g"], known)] == ["b", "c"]
    visits = {f"{BASE}/c": 7.5, f"{BASE}/b": 2.0, f"{BASE}/elsewhere": 9.0}
    ordered = planning.by_popularity([Page(f"{BASE}/d"), *pages[:3]], visits)
    assert [p.url[-1] for p in ordered] == ["c", "b", "d", "a"]
    with pytest.raises(BadSource, match="--base"):
        planning.absolute("/a", "")


def test_sitemaps_and_their_index() -> None:
    head = b'<?xml version="1.0"?>'
    space = b'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    index = head + b"<sitemapindex %b><sitemap><loc>one.xml</loc></sitemap></sitemapindex>" % space
    one = head + b"<urlset %b><url><loc> https://a/?x=1&amp;y=2 </loc></url></urlset>" % space

    assert list(read_sitemap(index, lambda _: one)) == ["https://a/?x=1&y=2"]
    bomb = b'<!DOCTYPE d [<!ENTITY a "aaaa">]><urlset><loc>&a;</loc></urlset>'
    for bad in (b"no xml", bomb):
        with pytest.raises(BadSource):
            list(read_sitemap(bad, lambda _: b""))


def test_a_journal_goes_on_after_a_crash_and_not_with_something_else(tmp_path: Path) -> None:
    path, purpose = tmp_path / "journal", {"base": BASE}
    journal = Journal(path, purpose)
    journal.add(["a", "b"])
    journal._file.write("half of a li")
    journal._file.flush()

    assert Journal(path, purpose).done >= {"a", "b"}
    again = Journal(path, purpose)
    again.add(["c"])
    assert Journal(path, purpose).done >= {"a", "b", "c"}
    assert Journal(path, {"base": "other"}).done == set()
    Journal(path, purpose).close(is_complete=True)
    assert not path.exists()


def test_progress_tells_rate_and_time_to_go() -> None:
    class Log:
        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None: ...
        def isatty(self) -> bool:
            return False

    log = Log()
    progress = Progress(1000, log, now=0.0)
    progress.add(250, now=5.0)
    assert log.text == ""
    progress.add(250, now=10.0)

    assert log.text.endswith("500 of 1,000 pages · 50 a second · 0:10 to go\n")


@pytest.mark.parametrize(
    ("trace", "word"),
    [
        ("twopass; hit; ttl=30", FRESH),
        ("twopass; fwd=uri-miss; fwd-status=200; stored", MADE),
        ("origin; hit, twopass; fwd=bypass; detail=guard", PASSED),
    ],
)
def test_what_an_edge_says(trace: str, word: str) -> None:
    assert word_for(trace) == word


@pytest.fixture
def shoes(transactional_db, settings) -> list[Page]:
    shelf = Shelf.objects.create(name="top")
    made = [Shoe.objects.create(shelf=shelf, name=f"shoe {n}") for n in range(3)]
    return [Page(f"{BASE}/shoe/{shoe.pk}/", shoe.pk) for shoe in made]


def test_a_batch_is_made_once_and_fresh_then(shoes: list[Page], begin) -> None:
    begin(None)
    batch = planning.Batch("none", (*shoes, Page(f"{BASE}/shoe/666/"), Page(f"{BASE}/nowhere/")))

    first, second = perform(Task(batch)), perform(Task(batch))
    third = perform(Task(batch, force=True))

    assert [*first.words.values()] == [MADE, MADE, MADE, FAILED, PASSED]
    assert [*second.words.values()][:3] == [FRESH] * 3
    assert [*third.words.values()][:3] == [MADE] * 3
    assert any("this page is broken" in line for line in first.errors)
    assert first.queries > 0
    assert third.queries == 0  # the data are at hand


def test_a_made_page_is_what_a_visitor_gets_without_a_query(
    shoes: list[Page], begin, client, django_assert_num_queries
) -> None:
    begin(None)
    perform(Task(planning.Batch("none", tuple(shoes))))

    with django_assert_num_queries(0):
        response = client.get(f"/shoe/{shoes[0].key}/", headers={"host": "shop.example"})
    assert b"costs 1" in response.content


def test_the_command_end_to_end(tmp_path: Path, capfd, settings) -> None:
    """Real processes on an SQLite file would need settings of their own; pages fail for want of
    tables, and the command says so and goes on where it was."""
    settings.DATACACHE = {"REBUILD_JOURNAL": str(tmp_path / "journal")}
    sitemap = tmp_path / "sitemap.xml"
    sitemap.write_text(f"<urlset><url><loc>{BASE}/nowhere/</loc></url>"
                       f"<url><loc>{BASE}/shoe/666/</loc></url></urlset>")  # fmt: skip
    options = {"sitemap": [str(sitemap)], "processes": 1}

    call_command("rebuild_cache", **options, dry_run=True)
    assert f"{BASE}/nowhere/" in capfd.readouterr().out
    with pytest.raises(SystemExit) as failed:
        call_command("rebuild_cache", **options)
    assert failed.value.code == 1
    told = capfd.readouterr()
    assert "1 passed, 1 failed" in told.out or "1 failed, 1 passed" in told.out
    assert "this page is broken" in told.err
    assert json.loads((tmp_path / "journal").read_text().splitlines()[0])["base"] == ""

    with pytest.raises(SystemExit):
        call_command("rebuild_cache", **options)
    told = capfd.readouterr()
    assert "going on after 1 pages" in told.err
    assert "1 pages in" in told.out


def test_wrong_options_and_nothing_to_do() -> None:
    with pytest.raises(CommandError) as wrong:
        call_command("rebuild_cache", processes=0)
    assert wrong.value.returncode == 2
    with pytest.raises(CommandError, match="no source 'x'"):
        call_command("rebuild_cache", source=["x"])
    with pytest.raises(SystemExit) as nothing:
        call_command("rebuild_cache")
    assert nothing.value.code == 3
