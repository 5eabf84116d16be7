"""What ESI documents may do at this edge, compiled from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from edge.core.inbound import Inbound
from edge.core.key import BadTarget, HostPatterns, canonical_host
from edge.settings import Settings
from fragments.esi import DestinationGuard, Limits, RequestView


@dataclass(frozen=True, slots=True)
class EsiRules:
    """Where includes may lead, which cookies variables may show, and what a failure costs.

    `origins`: hosts that have an origin of their own, with its address.
    """

    guard: DestinationGuard
    cookies: frozenset[str]
    is_strict: bool
    origins: dict[bytes, str]
    limits: Limits

    @classmethod
    def of(cls, settings: Settings) -> EsiRules:
        """Raises ValueError naming the setting that cannot be meant."""
        origins = dict(_origin(entry) for entry in settings.esi_origin)
        try:
            hosts = HostPatterns.compile([*settings.esi_host, *(h.decode() for h in origins)])
        except ValueError as error:
            raise ValueError(f"esi_host: {error}") from error
        port = settings.admin.rpartition(":")[2]
        return cls(
            guard=DestinationGuard(
                allows=lambda host: hosts.allow(host.encode("ascii")),
                lists=lambda host: host.encode("ascii") in hosts.exact,
                refused_ports=frozenset({int(port)} if port.isdigit() else ()),
            ),
            cookies=frozenset(settings.esi_cookie),
            is_strict=settings.esi_strict,
            origins=origins,
            limits=Limits(),
        )

    def view(self, inbound: Inbound) -> RequestView:
        """What variables may see of the visitor's request."""
        head = inbound.head
        return RequestView(
            head.method.decode("ascii"),
            head.scheme.decode("ascii"),
            head.host.decode("ascii"),
            head.target.decode("ascii"),
            [(name.decode("latin-1"), _text(value)) for name, value in head.headers],
            self.cookies,
        )


def _text(value: bytes) -> str:
    """A field value as text from which the very bytes can be made again."""
    return value.decode("utf-8", "surrogateescape")


def _origin(entry: str) -> tuple[bytes, str]:
    name, _, address = entry.partition("=")
    parts = urlsplit(address)
    try:
        host = canonical_host(name.encode("ascii"), b"http")
    except (BadTarget, UnicodeEncodeError):
        host = b""
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if not host or parts.scheme not in ("http", "https") or not parts.hostname or not is_bare:
        raise ValueError(
            f"esi_origin: {entry!r} is not HOST=URL, such as news.example=https://93.184.216.34"
        )
    return host, f"{parts.scheme}://{parts.netloc}"
