"""Plays a document against a dictionary of fragments, in the order a test wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fragments.esi import Cancel, DestinationGuard, Evaluation, Fetch, Limits, RequestView, parse
from fragments.esi.limits import DEFAULT_LIMITS
from fragments.esi.program import Program

Content = bytes | Program | None


def view(**changes: object) -> RequestView:
    """A request for http://shop.example/page."""
    values: dict[str, object] = {
        "method": "GET",
        "scheme": "http",
        "host": "shop.example",
        "target": "/page",
    }
    return RequestView(**{**values, **changes})  # type: ignore[arg-type]


class Page:
    """An evaluation with its transcript: `asked` URLs in order, `cancelled` ones, the output."""

    def __init__(
        self,
        document: str | bytes,
        request: RequestView | None = None,
        *,
        guard: DestinationGuard | None = None,
        limits: Limits = DEFAULT_LIMITS,
        is_strict: bool = False,
    ) -> None:
        raw = document.encode() if isinstance(document, str) else document
        self.program = parse(raw, limits)
        self.evaluation = Evaluation(
            self.program,
            request or view(),
            guard or DestinationGuard(),
            limits,
            is_strict=is_strict,
        )
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.body = b""
        self._ids: dict[str, list[int]] = {}
        self._urls: dict[int, str] = {}
        self.look()

    def look(self) -> None:
        """Take what is to do and what is ready."""
        for action in self.evaluation.actions():
            match action:
                case Fetch(fetch_id, destination):
                    path = destination.url.removeprefix("http://shop.example")
                    self.asked.append(path)
                    self._ids.setdefault(path, []).append(fetch_id)
                    self._urls[fetch_id] = path
                case Cancel(fetch_id):
                    self.cancelled.append(self._urls[fetch_id])
        self.body += self.evaluation.output()

    def give(self, path: str, content: str | Program = "") -> Page:
        """The oldest fetch of that path succeeds."""
        body = content if isinstance(content, Program) else content.encode()
        self.evaluation.fulfil(self._ids[path].pop(0), body)
        self.look()
        return self

    def part(self, path: str, data: str) -> Page:
        """Some bytes of it."""
        self.evaluation.feed(self._ids[path][0], data.encode())
        self.look()
        return self

    def fail(self, path: str, reason: str = "status 500") -> Page:
        """The oldest fetch of that path fails."""
        self.evaluation.fail(self._ids[path].pop(0), reason)
        self.look()
        return self

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def is_done(self) -> bool:
        return self.evaluation.is_finished

    def play(self, answer: Callable[[str], Content]) -> Page:
        """Answer every fetch, first come first served; None fails it."""
        position = 0
        while position < len(self.asked):
            path = self.asked[position]
            content = answer(path)
            position += 1
            if not self._ids[path]:
                continue
            fetch_id = self._ids[path].pop(0)
            if content is None:
                self.evaluation.fail(fetch_id, "status 404")
            else:
                self.evaluation.fulfil(fetch_id, content)
            self.look()
        return self


def rendered(
    document: str,
    fragments: Mapping[str, str] | None = None,
    request: RequestView | None = None,
    **options: object,
) -> str:
    """The finished page; fragments that hold ESI are played too."""
    known = fragments or {}

    def answer(path: str) -> Content:
        if path not in known:
            return None
        text = known[path]
        return parse(text.encode()) if "<esi:" in text else text.encode()

    page = Page(document, request, **options).play(answer)  # type: ignore[arg-type]
    assert page.is_done
    return page.text
