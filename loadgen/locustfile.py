"""The locustfile: one FastHttpUser whose only task is the open loop of a whole run.

Started by `loadgen.process` as `locust -f … --headless --users 1`, with the plan on stdin and messages on
stdout (`loadgen.protocol`). Not to be imported elsewhere: it waits for a plan, and Locust patches the
standard library.
"""

import math
import os
import signal
import sys

# Locust has put this file's folder in front, where our profile.py would hide the standard library's, and
# removes the first entry afterwards. The working directory, which it has put there as well, may stand in for
# it.
sys.path[0] = os.getcwd()  # noqa: PTH109

import gevent  # noqa: E402 - not before the path is right
from locust import FastHttpUser, events, task  # noqa: E402

from loadgen import channel  # noqa: E402
from loadgen.protocol import Failed, LoadPlan  # noqa: E402
from loadgen.traffic import Traffic  # noqa: E402

BACKSTOP_S = 30
"""Beyond the longest regular end: then the kernel ends this process, even if its loop hangs."""


def _plan() -> LoadPlan:
    try:
        return channel.read_plan()
    except (EOFError, ValueError) as error:
        channel.say(Failed(reason=f"no usable plan: {error}"[:3000]))
        sys.exit(1)


PLAN = _plan()


class OpenLoopUser(FastHttpUser):  # type: ignore[misc]  # an untyped library's class
    """Stands for all users: their arrivals do not wait for each other, so one Locust user begins them all."""

    host = PLAN.url
    max_redirects = 0
    max_retries = 0

    @task  # type: ignore[untyped-decorator]
    def traffic(self) -> None:
        """The whole run."""
        try:
            traffic = Traffic(PLAN, self.environment)
        except (OSError, UnicodeError) as error:  # the latter: a name that no resolver takes
            channel.say(Failed(reason=f"{PLAN.url}: {error}"))
        else:
            self._run(traffic)
        self.environment.runner.quit()

    def _run(self, traffic: Traffic) -> None:
        events.quitting.add_listener(lambda **_: traffic.finish())
        channel.call_at_orphaning(traffic.end)
        gevent.spawn(channel.wait_for_end).link(lambda _: traffic.end())
        profile = PLAN.profile
        signal.alarm(math.ceil(profile.max_duration_s + profile.response_timeout_s) + BACKSTOP_S)
        traffic.run()
