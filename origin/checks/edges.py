"""What edges need of a project, and it of them."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from ..conf import Settings
from ..purge_client import parse_edge


def check_secret(conf: Settings) -> Iterator[checks.CheckMessage]:
    """An edge and its origin have a secret in common."""
    if conf.edges and not conf.secret_is_shared:
        yield checks.Error(
            "TWOPASS['EDGES'] names edges, but there is no TWOPASS_SECRET, without which they "
            "cannot talk to this project.",
            hint="Set TWOPASS_SECRET (or TWOPASS['SECRET']) to the same value as on the edge.",
            id="twopass.E009",
        )


def check_token(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Purges carry a token."""
    if conf.edges and not conf.admin_token:
        yield checks.Error(
            "TWOPASS['EDGES'] names edges, but there is no TWOPASS_ADMIN_TOKEN: they refuse "
            "purges without it.",
            hint="Set TWOPASS_ADMIN_TOKEN to the same value as on the edge.",
            id="twopass.E010",
        )


def check_addresses(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Edges are named by the address of their admin API."""
    for edge in conf.edges:
        try:
            parse_edge(edge)
        except ValueError as error:
            yield checks.Error(
                f"TWOPASS['EDGES']: {error}",
                hint="It is the address that `twopass edge --admin` listens on.",
                id="twopass.E011",
            )


def check_forwarding(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Behind an edge that ends TLS, Django must be told that visitors speak https."""
    is_secure = (
        settings.SECURE_SSL_REDIRECT
        or settings.SESSION_COOKIE_SECURE
        or settings.CSRF_COOKIE_SECURE
    )
    if not conf.edges or not is_secure or settings.SECURE_PROXY_SSL_HEADER:
        return
    yield checks.Warning(
        "Visitors come by https (cookies are secure, or http is redirected), but behind the edge "
        "every request looks like http: pages redirect to themselves, and absolute URLs are wrong.",
        hint='SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"); the edge sets this '
        "field itself and takes it from nobody else.",
        id="twopass.W004",
    )
    if not settings.CSRF_TRUSTED_ORIGINS:
        yield checks.Warning(
            "Forms sent by https will be refused: their Origin is https, and the request looks "
            "like http.",
            hint="Set SECURE_PROXY_SSL_HEADER (twopass.W004), or list the site's origins in "
            "CSRF_TRUSTED_ORIGINS.",
            id="twopass.W005",
        )


def check_purges_leave(conf: Settings) -> Iterator[checks.CheckMessage]:
    """Who has an edge tells it what changes."""
    if conf.secret_is_shared and not conf.edges and conf.enabled:
        yield checks.Warning(
            "There is a TWOPASS_SECRET, so probably an edge, but TWOPASS['EDGES'] names none: "
            "what is saved stays old there until it expires.",
            hint="TWOPASS = {'EDGES': ['http://127.0.0.1:9000']}: the edges' admin addresses.",
            id="twopass.W006",
        )
