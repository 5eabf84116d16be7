"""Rebuilding: order, resuming, failures, exit codes, and the pages themselves."""

import json
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sitemaps import GenericSitemap, Sitemap
from django.core.management import CommandError, call_command
from django.utils.translation import get_language

from origin.datacache.rebuild import (
    Page,
    edges,
    learned,
    planning,
    rendering,
    sitemap_source,
    sources,
)
from origin.datacache.rebuild.journal import MAX_AGE, Journal
from origin.datacache.rebuild.learned import Learned
from origin.datacache.rebuild.pace import Pace
from origin.datacache.rebuild.progress import Progress
from origin.datacache.rebuild.refreshing import Misfiled, Told, check_address, check_edge
from origin.datacache.rebuild.rendering import Task, perform
from origin.datacache.rebuild.running import Limits, Totals, run
from origin.datacache.rebuild.sources import BadSource, Source, declared, in_order, read_sitemap
from origin.datacache.rebuild.words import FAILED, FRESH, MADE, PASSED, REDIRECTED, REFUSED
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


HEAD = b'<?xml version="1.0"?>'
SPACE = b'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def listed(**files: bytes) -> list[str]:
    return list(read_sitemap("start", files.__getitem__))


def test_sitemaps_and_their_index() -> None:
    index = HEAD + b"<sitemapindex %b><sitemap><loc>one</loc></sitemap></sitemapindex>" % SPACE
    one = HEAD + b"<urlset %b><url><loc> https://a/?x=1&amp;y=2 </loc></url></urlset>" % SPACE
    plain = b"<urlset><url><loc>https://a/</loc></url></urlset>"

    assert listed(start=index, one=one) == ["https://a/?x=1&y=2"]
    assert listed(start=plain) == ["https://a/"]
    assert listed(start=b"<urlset %b/>" % SPACE) == []


def test_what_a_sitemap_says_about_a_page_is_no_page() -> None:
    """Pictures, videos, the page in other languages (each of which has an entry of its own)."""
    extended = (
        b'<urlset %b xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
        b' xmlns:xhtml="http://www.w3.org/1999/xhtml" xmlns:x="urn:x"><x:url><x:loc>no</x:loc>'
        b"</x:url><url><x:loc>no</x:loc><loc>https://a/<!-- - -->shoe</loc>"
        b"<image:image><image:loc>https://a/shoe.jpg</image:loc></image:image>"
        b'<xhtml:link rel="alternate" hreflang="de" href="https://a/de/shoe"/></url></urlset>'
    ) % SPACE

    assert listed(start=extended) == ["https://a/shoe"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"no xml", "start: bad XML: syntax error: line 1"),
        (b"<urlset><url><loc>https://a/</loc></urlset>", "start: bad XML: mismatched tag"),
        (b'<!DOCTYPE d [<!ENTITY a "aaaa">]><urlset><loc>&a;</loc></urlset>', "entities"),
        (b"<html><body/></html>", "<html>, neither <urlset> nor"),
        (b"<sitemapindex><sitemap><loc>start</loc></sitemap></sitemapindex>", "index in an index"),
    ],
    ids=["text", "cut", "entities", "html", "circle"],
)
def test_what_is_no_sitemap_is_named(bad: bytes, message: str) -> None:
    with pytest.raises(BadSource, match=f"no sitemap at (start: .*)?{message}"):
        listed(start=bad)


class Shelves(Sitemap):
    i18n = True
    alternates = True
    x_default = True
    languages = ("en", "de", "fr")
    limit = 4

    def items(self) -> list[Page]:
        return [Page(f"/shelf/{number}/", key=None) for number in range(3)]

    def location(self, item: Page) -> str:
        return f"/{get_language()}{item.url}"


class Elsewhere(Sitemap):
    protocol = "http"

    def items(self) -> list[int]:
        return [1]

    def location(self, item: int) -> str:
        return f"/{item}"

    def get_domain(self, site: object = None) -> str:
        return "elsewhere.example"


def test_djangos_sitemaps_list_what_django_lists() -> None:
    """In every language, on every page, in every section; a domain of its own stays."""
    sitemap_source("test-shelves", {"shelves": Shelves, "elsewhere": Elsewhere()})

    found = [page.url for page in declared()["test-shelves"].pages()]

    shelves = [f"/{language}/shelf/{n}/" for n in range(3) for language in ("en", "de", "fr")]
    assert found == [*shelves, "http://elsewhere.example/1"]
    sitemap_source("test-one", Shelves())
    assert [planning.absolute(p, BASE).url for p in declared()["test-one"].pages()] == [
        BASE + path for path in shelves
    ]


def test_the_keys_of_a_sitemap_are_those_of_its_objects(
    db, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf.objects.create(name="top")
    monkeypatch.setattr(Shelf, "get_absolute_url", lambda self: f"/{self.pk}/", raising=False)

    class Both(Shelves):
        def items(self) -> list[Shelf]:
            return [shelf]

        def location(self, item: Shelf) -> str:
            return f"/{get_language()}/{item.pk}/"

    for sitemap in (Both, GenericSitemap({"queryset": Shelf.objects.order_by("pk")})):
        sitemap_source("test-keys", sitemap)
        assert {page.key for page in declared()["test-keys"].pages()} == {shelf.pk}


@pytest.fixture(autouse=True)
def _sources() -> Iterator[None]:
    before = dict(sources._sources)
    yield
    sources._sources.clear()
    sources._sources.update(before)


def test_a_journal_goes_on_after_a_crash_and_not_with_something_else(tmp_path: Path) -> None:
    path, purpose, now = tmp_path / "journal", {"base": BASE}, time.time()
    journal = Journal(path, purpose, now)
    journal.add(["a", "b"])
    journal._file.write("half of a li")
    journal._file.flush()

    assert Journal(path, purpose, now).done == {"a", "b"}
    again = Journal(path, purpose, now)
    again.add(["c"])
    assert Journal(path, purpose, now).done == {"a", "b", "c"}
    assert Journal(path, {"base": "other"}, now).done == set()
    Journal(path, purpose, now).close(has_ended=False)
    assert path.exists()
    Journal(path, purpose, now).close(has_ended=True)
    assert not path.exists()


def test_a_journal_of_long_ago_is_not_gone_on_with(tmp_path: Path) -> None:
    path, now = tmp_path / "journal", time.time()
    Journal(path, {}, now).add(["a"])
    os.utime(path, (now, now - MAX_AGE - 60))

    journal = Journal(path, {}, now)

    assert journal.done == set()
    assert journal.too_old == pytest.approx(MAX_AGE + 60, abs=1)
    assert Journal(path, {}, now).too_old is None


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
    ("status", "trace", "word"),
    [
        (200, "twopass; hit; ttl=30", FRESH),
        (200, "twopass; fwd=uri-miss; fwd-status=200; stored", MADE),
        (200, "origin; hit, twopass; fwd=bypass; detail=guard", PASSED),
        (200, 'twopass;hit;ttl=3;key="https://a/?x=1,fwd=bypass"', FRESH),
        (301, "twopass;fwd=uri-miss;fwd-status=301;stored", REDIRECTED),
        (404, "twopass;fwd=bypass;fwd-status=404;detail=status", REFUSED),
        (421, "", REFUSED),
    ],
)
def test_what_an_edge_says(status: int, trace: str, word: str) -> None:
    assert Told.of(status, trace).word == word


@pytest.mark.parametrize(
    ("through", "trace", "complaint"),
    [
        ("http", 'twopass;hit;ttl=3;key="https://shop.example/x"', None),
        ("http", 'o;hit;key="http://o/", twopass;hit;key="https://shop.example/x",cdn;hit', None),
        ("http", 'twopass;hit;ttl=3;key="http://shop.example/x"', "as one of http://shop.example"),
        ("https", 'twopass;fwd=miss;key="https://10.0.0.1:8080/x"', "as one of https://10.0.0.1:8"),
        ("http", "twopass;hit;ttl=3", "without saying"),
        ("https", "twopass;hit;ttl=3", None),
    ],
)
def test_an_edge_must_know_the_page_by_its_visitors_address(
    through: str, trace: str, complaint: str | None
) -> None:
    page, edge = Page("https://Shop.Example:443/x"), f"{through}://127.0.0.1"
    with nullcontext() if complaint is None else pytest.raises(Misfiled, match=complaint):
        check_address(edge, page, Told.of(200, trace))


@pytest.mark.parametrize("edge", ["127.0.0.1:8080", "ftp://a", "http://a/b", "http://a:x", ""])
def test_what_is_no_edge(edge: str) -> None:
    with pytest.raises(BadSource, match="no address such as"):
        check_edge(edge)


class FakeEdge(ThreadingHTTPServer):
    """Answers by its `rule`, and remembers what it was asked. One thread for each connection."""

    daemon_threads = True

    def __init__(self, rule: Callable[[str], tuple[int, str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.rule = rule
        self.seen: list[tuple[str, Message]] = []
        self.was_asked = threading.Condition()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeEdge

    def do_GET(self) -> None:
        with self.server.was_asked:
            self.server.seen.append((self.path, self.headers))
            self.server.was_asked.notify_all()
        status, trace, body = self.server.rule(self.path)
        self.send_response(status)
        self.send_header("Cache-Status", trace)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def fake_edge() -> Iterator[Callable[..., FakeEdge]]:
    with ExitStack() as stack:

        def start(rule: Callable[[str], tuple[int, str, bytes]]) -> FakeEdge:
            server = stack.enter_context(FakeEdge(rule))
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(server.shutdown)
            return server

        yield start


def of_shop(path: str) -> tuple[int, str, bytes]:
    """An edge that believes what it is told."""
    status = {"/moved": 301, "/gone": 404, "/broken": 500}.get(path, 200)
    return status, f'twopass;fwd=uri-miss;stored;key="https://shop.example{path}"', b"page"


def of_strangers(path: str) -> tuple[int, str, bytes]:
    """An edge that does not."""
    return 200, f'twopass;fwd=uri-miss;stored;key="http://shop.example{path}"', b"page"


def test_an_edge_is_asked_as_the_visitor_of_the_page_comes(fake_edge) -> None:
    edge = fake_edge(of_shop)
    paths = ("/", "/moved", "/gone", "/broken")
    batch = planning.Batch("none", tuple(Page(f"https://shop.example{path}") for path in paths))

    outcome = perform(Task(batch, (edge.url,)))

    assert [*outcome.words.values()] == [MADE, REDIRECTED, REFUSED, FAILED]
    assert outcome.errors[:2] == [
        "https://shop.example/moved: redirected: 301", "https://shop.example/gone: refused: 404"
    ]  # fmt: skip
    assert [(path, fields["Host"], fields["X-Forwarded-Proto"]) for path, fields in edge.seen] == [
        (path, "shop.example", "https") for path in paths
    ]


def test_a_batch_ends_at_the_first_page_that_is_misfiled(fake_edge) -> None:
    edge = fake_edge(of_strangers)
    batch = planning.Batch("none", (Page("https://shop.example/"), Page("https://shop.example/x")))

    with pytest.raises(Misfiled, match="trusted-proxies"):
        perform(Task(batch, (edge.url,)))

    assert len(edge.seen) == 1


def test_an_edge_behind_tls_is_spoken_to_in_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard: list[bytes] = []

        def listen() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(2))

        thread = threading.Thread(target=listen)
        thread.start()
        edge = f"https://127.0.0.1:{listener.getsockname()[1]}"
        outcome = perform(Task(planning.Batch("none", (Page("https://shop.example/"),)), (edge,)))
        thread.join()

    assert heard == [b"\x16\x03"]  # a handshake record, RFC 8446 section 5.1
    assert [*outcome.words.values()] == [FAILED]


def test_groups_are_asked_for_beyond_what_one_answer_holds(
    fake_edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "MAX_ROWS", 3)
    held = [f"{BASE}/{word}" for word in ("a/1", "a/2", "a/3", "a/4", "b", "c/1", "c/11", "other")]

    def objects(target: str) -> tuple[int, str, bytes]:
        query = parse_qs(urlsplit(target).query)
        rows = [url for url in held if url.startswith(query.get("prefix", [""])[0])]
        rows = rows[: int(query["limit"][0])]
        return 200, "", json.dumps([{"url": url, "groups": [f"of:{url}"]} for url in rows]).encode()

    edge = fake_edge(objects)
    wanted = [url for url in held if "other" not in url]
    groups, silent = edges.ask_groups([edge.url, "http://127.0.0.1:1"], "token", wanted)

    assert {url: groups.get(url) for url in wanted} == {url: {f"of:{url}"} for url in wanted}
    assert [line.partition(": ")[0] for line in silent] == ["http://127.0.0.1:1"]


def test_groups_are_remembered_and_those_of_long_ago_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned, "MAX_PAGES", 2)
    path = learned.path_beside(str(tmp_path / "journal"))
    known = Learned(path)
    known.learn({"/a": ["x"], "/b": ["y"]})
    known.learn({"/a": {"z"}})
    known.learn({"/c": ()})
    known.save()

    assert Learned(path).groups == {"/a": ("z",), "/c": ()}
    path.write_text("[1, 2")
    assert Learned(path).groups == {}


def test_single_pages_have_their_turn_whatever_process_they_are_of() -> None:
    turn = multiprocessing.get_context("spawn").Value("d", 0.0)
    now, slept = [100.0], []
    one, other = (Pace(10.0, turn, lambda: now[0], slept.append) for _ in range(2))

    for pace in (one, one, other, one):
        pace.hold()
    assert slept == pytest.approx([0.1, 0.2, 0.3])
    now[0] = 200.0  # nobody came for long: that is no credit
    slept.clear()
    for pace in (other, one):
        pace.hold()
    assert slept == pytest.approx([0.1])
    for _ in range(3):
        Pace(0.0, turn, sleep=slept.append).hold()
    assert len(slept) == 1


@pytest.mark.parametrize("is_through", [True, False], ids=["edge", "here"])
def test_every_page_waits_for_its_turn(
    fake_edge, shoes: list[Page], monkeypatch: pytest.MonkeyPatch, is_through: bool
) -> None:
    turn, waited = multiprocessing.get_context("spawn").Value("d", 0.0), []
    pace = Pace(0.5, turn, lambda: 0.0, waited.append)
    monkeypatch.setattr(rendering, "_pace", pace)
    through = ()
    if is_through:
        edge = fake_edge(lambda path: (200, "twopass;hit", b""))
        through = (edge.url,)

    perform(Task(planning.Batch("none", tuple(shoes)), through))

    assert waited == [2.0, 4.0]


def test_the_processes_of_a_run_keep_its_pace(fake_edge) -> None:
    """The second page would have its turn in ten minutes: until then no process may ask for one."""
    edge = fake_edge(lambda path: (200, "twopass;hit", b""))
    pages = [Page(f"{BASE}/{number}") for number in range(8)]
    waves = [planning.batches(source("none"), pages, 2)]
    found: list[Totals] = []
    limits = Limits(2, 1 / 600)

    def make() -> None:
        found.append(run(waves, lambda b: Task(b, (edge.url,)), limits, lambda _: None))

    before = set(multiprocessing.active_children())
    thread = threading.Thread(target=make)
    thread.start()
    try:
        with edge.was_asked:
            assert edge.was_asked.wait_for(lambda: edge.seen, 120)
            assert not edge.was_asked.wait_for(lambda: len(edge.seen) > 1, 1.0)
    finally:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        thread.join()
    assert found[0].words[FAILED] == 8


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

    assert [*first.words.values()] == [MADE, MADE, MADE, FAILED, REFUSED]
    assert [*second.words.values()][:3] == [FRESH] * 3
    assert [*third.words.values()][:3] == [MADE] * 3
    assert any("this page is broken" in line for line in first.errors)
    assert f"{BASE}/nowhere/: refused: 404" in first.errors
    assert {*first.groups[shoes[0].url]} >= {f"shoe:{shoes[0].key}"}
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


def sitemap_of(tmp_path: Path, *urls: str) -> dict[str, Any]:
    path = tmp_path / "sitemap.xml"
    entries = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    path.write_text(f"<urlset>{entries}</urlset>")
    return {"sitemap": [str(path)], "processes": 1}


@pytest.fixture
def journal_file(tmp_path: Path, settings) -> None:
    settings.DATACACHE = {"REBUILD_JOURNAL": str(tmp_path / "journal")}


def test_the_command_end_to_end(tmp_path: Path, capfd, journal_file) -> None:
    """Real processes on an SQLite file would need settings of their own; pages fail for want of
    tables, and the command says so. The next run asks for all of them: who knows what has been
    purged since."""
    options = sitemap_of(tmp_path, f"{BASE}/nowhere/", f"{BASE}/shoe/666/")

    call_command("rebuild_cache", **options, dry_run=True)
    assert f"{BASE}/nowhere/" in capfd.readouterr().out
    for _ in range(2):
        with pytest.raises(SystemExit) as failed:
            call_command("rebuild_cache", **options)
        assert failed.value.code == 1
        told = capfd.readouterr()
        assert "2 pages in" in told.out
        assert "1 refused" in told.out
        assert "1 failed" in told.out
        assert "this page is broken" in told.err
        assert "going on" not in told.err
    assert not (tmp_path / "journal").exists()


def test_a_run_goes_on_with_a_fresh_journal_only(
    tmp_path: Path, capfd, journal_file, fake_edge
) -> None:
    edge = fake_edge(of_shop)
    pages = [f"https://shop.example/{n}" for n in range(3)]
    options = {**sitemap_of(tmp_path, *pages), "through": [edge.url]}
    purpose = {"base": "", "source": [], "only_group": [], "force": False, "release": ""}
    purpose |= {"sitemap": options["sitemap"], "through": [edge.url]}
    for age, asked in ((0.0, ["/2"]), (MAX_AGE + 600, ["/0", "/1", "/2"])):
        edge.seen.clear()
        Journal(tmp_path / "journal", purpose, time.time()).add(pages[:2])
        os.utime(tmp_path / "journal", (time.time(), time.time() - age))

        call_command("rebuild_cache", **options)

        assert [path for path, _ in edge.seen] == asked
        told = capfd.readouterr().err
        assert ("beginning anew" if age else "going on after 2 pages") in told


@pytest.mark.parametrize(
    ("rule", "path", "code", "said"),
    [
        (of_shop, "/", 0, "1 made"),
        (of_shop, "/moved", 4, "1 redirected"),
        (of_shop, "/gone", 4, "1 refused"),
        (of_shop, "/broken", 1, "1 failed"),
    ],
)
def test_exit_statuses(
    tmp_path: Path, capfd, journal_file, fake_edge, rule: Any, path: str, code: int, said: str
) -> None:
    edge = fake_edge(rule)
    options = {**sitemap_of(tmp_path, f"https://shop.example{path}"), "through": [edge.url]}
    with nullcontext() if code == 0 else pytest.raises(SystemExit) as ended:
        call_command("rebuild_cache", **options)

    assert code == (0 if ended is None else ended.value.code)
    told = capfd.readouterr()
    assert said in told.out
    assert code == 0 or f"https://shop.example{path}" in told.err


def test_a_run_ends_where_pages_are_misfiled(tmp_path: Path, journal_file, fake_edge) -> None:
    edge = fake_edge(of_strangers)
    options = sitemap_of(tmp_path, *(f"https://shop.example/{n}" for n in range(20)))
    with pytest.raises(CommandError, match="believe X-Forwarded-Proto") as ended:
        call_command("rebuild_cache", **options, through=[edge.url], batch=1)

    assert ended.value.returncode == 2
    assert len(edge.seen) < 20


def test_wrong_options_and_nothing_to_do(capfd) -> None:
    with pytest.raises(CommandError) as wrong:
        call_command("rebuild_cache", processes=0)
    assert wrong.value.returncode == 2
    with pytest.raises(CommandError, match="no source 'x'"):
        call_command("rebuild_cache", source=["x"])
    with pytest.raises(CommandError, match="no address such as") as wrong:
        call_command("rebuild_cache", through=["edge:8080"])
    assert wrong.value.returncode == 2
    for dry_run in (False, True):
        with pytest.raises(SystemExit) as nothing:
            call_command("rebuild_cache", dry_run=dry_run)
        assert nothing.value.code == 3
        assert "no pages to make" in capfd.readouterr().err
