"""How a request ended, told from what its attempt raised."""

import errno
import socket
import ssl

from gameday.timeline import Outcome

OWN_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})
"""No file descriptor, port or memory left on this machine: the service was not even asked."""


class UnsentError(Exception):
    """The load generator did not send a request that came due."""


def outcome_of(error: BaseException | None) -> Outcome:
    """The outcome of an attempt that raised `error`, or that was answered (None)."""
    if error is None:
        return Outcome.ANSWERED
    if isinstance(error, UnsentError):
        return Outcome.UNSENT
    known = getattr(error, "outcome", None)
    if isinstance(known, Outcome):
        return known
    if isinstance(error, OSError):
        return _of_os_error(error)
    return Outcome.BROKEN


def _of_os_error(error: OSError) -> Outcome:
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return Outcome.REFUSED
    # SSLEOFError: the peer went away in the middle of TLS, which is the same event one layer up.
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError | ssl.SSLEOFError):
        return Outcome.RESET
    # Both kinds carry numbers of their own, which are no errno.
    if error.errno in OWN_LIMITS and not isinstance(error, socket.gaierror | ssl.SSLError):
        return Outcome.UNSENT
    return Outcome.BROKEN
