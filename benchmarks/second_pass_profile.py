"""Where the time of a second pass goes at the origin, as a table for docs/origin.md.

    python -m benchmarks.second_pass_profile [--fragments 20] [--rounds 300]

A bundle of a signed-in visitor, rendered by Django's WSGI handler in this process: a project with
the middleware of `startproject`, sessions and users in a database (SQLite in memory), and fragments
that render a template which greets the user. Each step's time is without that of steps inside it.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

SECRET: Final = "only-for-this-profile-and-long-enough-to-be-a-secret"
HOST: Final = "shop.example"

_MIDDLEWARE: Final = [
    "origin.middleware.TwoPassMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
_TEMPLATES: Final = {
    "page.html": "<h1>Shop</h1>",
    "part.html": "<p>Hello {{ user.username }}, part {{ number }}{% if last %}.{% endif %}</p>",
}


def configure() -> None:
    """A Django project in this process, with one visitor."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="a profile's own",
        ALLOWED_HOSTS=[HOST],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django.contrib.messages",
            "origin",
        ],
        MIDDLEWARE=_MIDDLEWARE,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        (
                            "django.template.loaders.cached.Loader",
                            [("django.template.loaders.locmem.Loader", _TEMPLATES)],
                        )
                    ],
                    "context_processors": ["django.contrib.auth.context_processors.auth"],
                },
            }
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        TWOPASS={"SECRET": SECRET},
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


class Stopwatch:
    """Time by step; while a step inside another runs, the outer one's stands still."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time inside as that of `name`."""
        self._turn()
        self._running.append(name)
        try:
            yield
        finally:
            self._turn()
            self._running.pop()

    def watch(self, owner: Any, attribute: str, name: str) -> None:
        """Count each call of `owner.attribute` as that step."""
        called = getattr(owner, attribute)
        turn, running = self._turn, self._running

        def timed(*args: Any, **kwargs: Any) -> Any:
            turn()
            running.append(name)
            try:
                return called(*args, **kwargs)
            finally:
                turn()
                running.pop()

        setattr(owner, attribute, timed)

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now


REST: Final = "Django's handler, and what joins the steps"


def watch_steps(watch: Stopwatch) -> None:
    """Name the steps of a second pass."""
    from fragments.bundle import BundleRequest
    from origin import endpoints, frames, proof, second_pass
    from origin.fragment_stack import FragmentStack

    watch.watch(proof, "kind_of", "proof checked")
    watch.watch(BundleRequest, "decode", "bundle and includes taken apart")
    watch.watch(endpoints, "_verified", "bundle and includes taken apart")
    watch.watch(endpoints, "own_parts", "the page's GET made of it")
    watch.watch(endpoints, "build", "the page's GET made of it")
    watch.watch(FragmentStack, "__call__", "the project's middleware")
    watch.watch(second_pass, "read_session", "session and user read")
    watch.watch(frames.Renderer, "_attempt", "each fragment's view of the request")
    watch.watch(frames.Renderer, "_call", "the fragments' own code")
    watch.watch(frames.Renderer, "_finish", "holes, reads and groups of each")
    watch.watch(frames.Renderer, "_frame", "holes, reads and groups of each")
    watch.watch(second_pass, "encode_message", "frames encoded")


def asking(fragments: int) -> Callable[[], dict[str, Any]]:
    """Environs of requests for a bundle, each with a proof of its own."""
    from django.contrib.auth.models import User
    from django.test import Client

    from fragments.bundle import REQUEST_TYPE, BundleRequest
    from fragments.headers import CAPABILITY, ProvenRequest, prove
    from fragments.include import Include
    from fragments.manifest import BUNDLE_PATH
    from fragments.signing import Keyring

    client = Client()
    user: Any = User.objects.get_or_create(username="visitor")[0]
    client.force_login(user)
    session = client.cookies["sessionid"].value
    keyring = Keyring.parse(SECRET)
    tokens = (
        Include.of("fragment", "part", {"number": n}).token(keyring) for n in range(fragments)
    )
    body = BundleRequest(f"http://{HOST}/", tuple(tokens)).encode()
    proven = ProvenRequest("POST", HOST, BUNDLE_PATH, body)

    def environ() -> dict[str, Any]:
        return {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": BUNDLE_PATH,
            "QUERY_STRING": "",
            "SERVER_NAME": HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": REQUEST_TYPE,
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": HOST,
            "HTTP_COOKIE": f"sessionid={session}; consent=yes",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
            "HTTP_ACCEPT_LANGUAGE": "en,de;q=0.7",
            "HTTP_X_FORWARDED_FOR": "192.0.2.1",
            "HTTP_X_FORWARDED_PROTO": "http",
            "HTTP_SURROGATE_CAPABILITY": CAPABILITY,
            "HTTP_TWOPASS_PROOF": prove(keyring, proven, "second", time.time()),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    return environ


def answered(application: Any, environ: dict[str, Any]) -> bytes:
    """The body of the answer. Raises RuntimeError for anything but 200."""
    told: list[str] = []
    response = application(environ, lambda status, _headers, _error=None: told.append(status))
    try:
        body = b"".join(response)
    finally:
        response.close()
    if not told[0].startswith("200"):
        raise RuntimeError(f"{told[0]}: {body[:200]!r}")
    return body


def profile(application: Any, watch: Stopwatch, fragments: int, rounds: int) -> dict[str, float]:
    """Microseconds by step, medians of `rounds` bundles."""
    environ = asking(fragments)
    rows: list[dict[str, float]] = []
    for number in range(rounds + 20):
        asked = environ()
        watch.seconds.clear()
        with watch.step(REST):
            body = answered(application, asked)
        if body.count(b"Hello visitor") != fragments:
            raise RuntimeError(f"not all of {fragments} fragments came: {body[:200]!r}")
        if number >= 20:  # the first ones compile templates and fill caches
            rows.append(dict(watch.seconds))
    names = {name: None for row in rows for name in row}
    return {name: statistics.median(row.get(name, 0.0) for row in rows) * 1e6 for name in names}


def queries(application: Any, fragments: int) -> list[str]:
    """The SQL of one bundle."""
    from django.db import connection

    environ, seen = asking(fragments)(), []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        answered(application, environ)
    return seen


def table(one: dict[str, float], many: dict[str, float], fragments: int) -> str:
    """Markdown: each step for one fragment and for many."""
    names = sorted(many, key=lambda name: -many[name])
    lines = [f"| step | 1 fragment, µs | {fragments} fragments, µs | share |", "|---|---|---|---|"]
    whole = sum(many.values())
    lines += [
        f"| {name} | {one.get(name, 0):.0f} | {many[name]:.0f} | {many[name] / whole:.0%} |"
        for name in names
    ]
    lines.append(f"| **all** | **{sum(one.values()):.0f}** | **{whole:.0f}** | |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, and the queries of one bundle."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--fragments", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=300)
    chosen = parser.parse_args()
    configure()
    from django.core.handlers.wsgi import WSGIHandler

    application = WSGIHandler()
    asked = queries(application, chosen.fragments)
    watch = Stopwatch()
    watch_steps(watch)
    one = profile(application, watch, 1, chosen.rounds)
    many = profile(application, watch, chosen.fragments, chosen.rounds)
    print(table(one, many, chosen.fragments))
    print(
        f"\n{len(asked)} queries:",
        *(sql.partition(" WHERE ")[0][-60:] for sql in asked),
        sep="\n  ",
    )


def _page(request: Any) -> Any:
    from django.shortcuts import render

    return render(request, "page.html")


def __getattr__(name: str) -> Any:
    """The URLconf that Django asks this module for, once it is set up."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.template.loader import render_to_string
    from django.urls import path

    from origin import fragment, two_pass

    @fragment("part")
    def part(request: Any, number: int) -> str:
        return render_to_string("part.html", {"number": number}, request)

    found = globals()["urlpatterns"] = [path("", two_pass(max_age=60)(_page))]
    return found


if __name__ == "__main__":
    main()
