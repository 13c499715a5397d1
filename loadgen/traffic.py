"""A run's traffic inside the Locust process: open loop, connections, recorder, heartbeat."""

import gc
from pathlib import Path
from time import monotonic_ns
from urllib.parse import urlsplit

import gevent
from gevent.lock import BoundedSemaphore
from gevent.ssl import create_default_context
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from loadgen import channel
from loadgen.connections import Connections, FreshConnections, KeptConnections
from loadgen.openloop import OpenLoop
from loadgen.outcomes import UnsentError
from loadgen.prepared import PreparedRequest
from loadgen.protocol import LoadPlan, Progress, Started, Totals
from loadgen.recorder import Context, Recorder
from loadgen.schedule import Arrival, Schedule
from loadgen.transport import Connector, OneClientPool, OneShotClient, is_quiet

BEAT_S = 0.2
"""Between two writes of the file and messages: what a SIGKILL of this process can cost."""
DRAIN_MARGIN_S = 1.0
"""Beyond the response time-out, which ends every request: for the loop to get round to it."""
EVERY_STATUS = frozenset(range(100, 600))


class Traffic:
    """Everything that one plan needs.

    Raises:
        OSError: The service's name cannot be resolved, or the file cannot be made.
        UnicodeError: The service's name is none.
    """

    def __init__(self, plan: LoadPlan, environment: Environment) -> None:
        profile = plan.profile
        self._profile = profile
        self._environment = environment
        self._requests = [PreparedRequest.of(endpoint) for endpoint in profile.endpoints]
        self._sessions = _sessions(plan, environment)
        names = [endpoint.name for endpoint in profile.endpoints]
        self.recorder = Recorder(Path(plan.folder) / plan.requests_name, names, plan.worker)
        environment.events.request.add_listener(self.recorder.on_request)
        self._loop: OpenLoop | None = None
        self._finishing = BoundedSemaphore()
        self._finished = False

    def run(self) -> None:
        """Start now and return when no further arrival will come."""
        # What was imported will stay: without it, collecting garbage takes about a millisecond, not tens of
        # them.
        gc.collect()
        gc.freeze()
        profile = self._profile
        weights = tuple(endpoint.weight for endpoint in profile.endpoints)
        schedule = Schedule(monotonic_ns(), profile.rate_per_s, profile.max_duration_s, weights, profile.fresh_share)
        self._loop = OpenLoop(schedule, self._send, self._turn_away, profile.max_in_flight)
        gevent.spawn(self._beat)
        channel.say(Started(t0_ns=schedule.t0_ns))
        self._loop.run()

    def end(self) -> None:
        """No further arrivals."""
        if self._loop is not None:
            self._loop.end()

    def finish(self) -> None:
        """End, wait for what is under way, close the file, say the totals. A second call waits."""
        with self._finishing:
            if self._finished or self._loop is None:
                return
            self._loop.end()
            self._loop.drain(self._profile.response_timeout_s + DRAIN_MARGIN_S)
            self.recorder.close()
            self._finished = True
            channel.say(self._totals(self._loop))

    def _send(self, arrival: Arrival) -> None:
        context: Context = {"arrival": arrival, "start_ns": monotonic_ns()}
        request = self._requests[arrival.endpoint]
        try:
            # `stream` and `context` are Locust's: do not decode the body; hand this on to the listeners.
            self._sessions[arrival.fresh].request(
                request.method,
                request.path(arrival.number),
                name=request.name,
                data=request.body(arrival.number),
                headers=request.headers(fresh=arrival.fresh),
                stream=True,
                context=context,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the request must not vanish
            # Locust reports what it expects, and lets everything else escape without a trace in its counts.
            self.recorder.fail("a request ended in a way that Locust does not report")
            self._report(context, error)

    def _turn_away(self, arrival: Arrival) -> None:
        self._report({"arrival": arrival, "start_ns": monotonic_ns()}, UnsentError("too many requests in flight"))

    def _report(self, context: Context, error: Exception) -> None:
        """Tell Locust of a request that it did not see, so that its count and ours are of the same thing."""
        request = self._requests[context["arrival"].endpoint]
        self._environment.events.request.fire(
            request_type=request.method,
            name=request.name,
            response_time=(monotonic_ns() - context["start_ns"]) / 1e6,
            response_length=0,
            response=None,
            context=context,
            exception=error,
        )

    def _beat(self) -> None:
        while not self._finished:
            gevent.sleep(BEAT_S)
            if self._loop is not None and not self._finished:
                channel.say(self._progress(self._loop), droppable=True)

    def _progress(self, loop: OpenLoop) -> Progress:
        recorder = self.recorder
        recent = recorder.tick()
        return Progress(
            t_ns=monotonic_ns(),
            scheduled=loop.scheduled,
            finished=recorder.recorded + recorder.pending,
            http_5xx=recorder.http_5xx,
            unanswered=recorder.unanswered,
            in_flight=loop.in_flight,
            p95_ms_recent=recent.p95_ms,
            late_ms_recent=recent.late_ms,
        )

    def _totals(self, loop: OpenLoop) -> Totals:
        recorder, locust = self.recorder, self._environment.stats.total
        return Totals(
            scheduled=loop.scheduled,
            recorded=recorder.recorded,
            locust_requests=locust.num_requests,
            locust_failures=locust.num_failures,
            unanswered=recorder.unanswered,
            unsent=recorder.unsent,
            recorder_errors=recorder.errors,
        )


def _sessions(plan: LoadPlan, environment: Environment) -> dict[bool, FastHttpSession]:
    """Locust's sessions by whether their connections are fresh."""
    url = urlsplit(plan.url)
    profile = plan.profile
    tls = create_default_context() if url.scheme == "https" else None
    connector = Connector(url, profile.connect_timeout_s, tls)
    ways: dict[bool, Connections] = {
        True: FreshConnections(connector.connect),
        False: KeptConnections(connector.connect, is_quiet, profile.keep_alive_connections),
    }
    sessions = {}
    for fresh, connections in ways.items():
        client = OneShotClient(connector, connections, profile.response_timeout_s)
        sessions[fresh] = session(plan.url, environment, client)
    return sessions


def session(url: str, environment: Environment, client: OneShotClient) -> FastHttpSession:
    """A session that does not repeat, follow redirects, keep cookies, or take a status for an exception."""
    made = FastHttpSession(
        base_url=url.rstrip("/"),
        request_event=environment.events.request,
        user=None,
        client_pool=OneClientPool(client),
        max_redirects=0,
        max_retries=0,
    )
    made.client.cookiejar = None  # each request is a new visitor
    # With the usual codes Locust decodes the body of an error page as UTF-8 and loses the request when it is
    # not.
    made.client.valid_response_codes = EVERY_STATUS
    return made
