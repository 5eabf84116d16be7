"""A progress bar for terminals, and plain lines for logs."""

from typing import Any, Protocol

WIDTH = 28


class Output(Protocol):
    """A text stream."""

    def write(self, text: str) -> object:
        """Write text."""
        ...

    def flush(self) -> None:
        """Show what was written."""
        ...

    def isatty(self) -> bool:
        """Whether a person watches."""
        ...


class ProgressBar:
    """``products  ██████░░░░  1,250 / 2,000``, redrawn in place on a terminal."""

    def __init__(self, output: Any) -> None:
        # Django's OutputWrapper ends every line by itself; the stream below it does not.
        self.output: Output = getattr(output, "_out", output)

    def __call__(self, what: str, done: int, of: int) -> None:
        """Draw how far ``what`` is."""
        finished = done >= of
        if self.output.isatty():
            filled = WIDTH * done // of
            bar = "█" * filled + "░" * (WIDTH - filled)
            self.output.write(
                f"\r  {what:<10} {bar} {done:,} / {of:,}" + ("\n" if finished else "")
            )
        elif finished:
            self.output.write(f"  {what:<10} {of:,}\n")
        self.output.flush()
