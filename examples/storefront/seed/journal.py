"""Posts of the journal, read from ``journal.toml``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Story:
    """A post in both languages; ``days`` is its age on the seed's day."""

    slug: str
    days: int
    author: str
    artwork: str
    title: str
    title_de: str
    teaser: str
    teaser_de: str
    body: str
    body_de: str


def _unwrapped(text: str) -> str:
    """The file wraps lines; a post has one line for each paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def stories() -> list[Story]:
    """All posts, the newest first."""
    entries = tomllib.loads(Path(__file__).with_name("journal.toml").read_text("utf-8"))["story"]
    texts = ("body", "body_de")
    return [Story(**entry | {key: _unwrapped(entry[key]) for key in texts}) for entry in entries]
