"""What devstack raises; every message says what to do next."""


class DevstackError(Exception):
    """Base of all errors of this package."""


class ProgramNotFound(DevstackError):
    """A server or browser is neither installed nor available as a wheel."""


class ServerFailed(DevstackError):
    """A server did not start, did not answer in time, or refused a command.

    The message ends with the last lines of the server's own log where there is one.
    """
