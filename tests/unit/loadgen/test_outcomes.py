import errno
import socket
import ssl

import pytest

from gameday.timeline import Outcome
from loadgen.outcomes import UnsentError, outcome_of


class KnownError(Exception):
    """One that brings its outcome along, as the transport's does."""

    outcome = Outcome.RESET


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, Outcome.ANSWERED),
        (ConnectionRefusedError(), Outcome.REFUSED),
        (ConnectionResetError(), Outcome.RESET),
        (ConnectionAbortedError(), Outcome.RESET),
        (BrokenPipeError(), Outcome.RESET),
        (ssl.SSLEOFError(), Outcome.RESET),
        (TimeoutError(), Outcome.TIMEOUT),
        (OSError(errno.ETIMEDOUT, "kernel gave up"), Outcome.TIMEOUT),
        (OSError(errno.EHOSTUNREACH, "no route"), Outcome.BROKEN),
        (socket.gaierror(errno.ENOMEM, "a number that is no errno"), Outcome.BROKEN),
        (ssl.SSLCertVerificationError(), Outcome.BROKEN),
        (ValueError(), Outcome.BROKEN),
        (OSError(errno.EADDRNOTAVAIL, "no port left"), Outcome.UNSENT),
        (OSError(errno.EMFILE, "no descriptor left"), Outcome.UNSENT),
        (UnsentError(), Outcome.UNSENT),
        (KnownError(), Outcome.RESET),
    ],
)
def test_each_end_has_its_outcome(error: BaseException | None, expected: Outcome) -> None:
    """What the service did, what nobody did, and what this machine did are told apart."""
    assert outcome_of(error) is expected
