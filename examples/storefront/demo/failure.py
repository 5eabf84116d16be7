"""What goes wrong in a way that the person at the terminal can mend."""


class DemoFailure(Exception):
    """The demo cannot go on; the message says why and what to do."""
