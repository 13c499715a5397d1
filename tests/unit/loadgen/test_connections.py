from loadgen.connections import FreshConnections, KeptConnections


class Wire:
    """Stands in for a socket."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False
        self.quiet = True

    def fileno(self) -> int:
        """Its number."""
        return self.number

    def sendall(self, data: bytes, /) -> object:
        """Never used here."""
        raise NotImplementedError

    def recv(self, size: int, /) -> bytes:
        """Never used here."""
        raise NotImplementedError

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class Line:
    """Makes numbered wires, and remembers them."""

    def __init__(self) -> None:
        self.made: list[Wire] = []
        self.refuses = False

    def connect(self) -> Wire:
        """A new wire, or a refusal."""
        if self.refuses:
            raise ConnectionRefusedError
        self.made.append(Wire(len(self.made)))
        return self.made[-1]

    def kept(self, wanted: int) -> KeptConnections:
        """Kept connections over this line."""
        return KeptConnections(self.connect, lambda wire: self.made[wire.fileno()].quiet, wanted)


def test_fresh_connections_are_never_used_again() -> None:
    """Each is new, and closed when its request is over."""
    line = Line()
    fresh = FreshConnections(line.connect)
    for _ in range(3):
        fresh.keep(fresh.take())
    assert [wire.closed for wire in line.made] == [True, True, True]


def test_kept_connections_take_turns() -> None:
    """One request at a time still uses all three: first to make them, then the one that rested longest."""
    line = Line()
    kept = line.kept(3)
    used = []
    for _ in range(7):
        wire = kept.take()
        used.append(wire.fileno())
        kept.keep(wire)
    assert used == [0, 1, 2, 0, 1, 2, 0]


def test_nothing_waits_when_all_are_busy() -> None:
    """A third request gets a third connection although two are wanted, and it is closed afterwards."""
    line = Line()
    kept = line.kept(2)
    taken = [kept.take() for _ in range(3)]
    for wire in taken:
        kept.keep(wire)
    assert [wire.closed for wire in line.made] == [True, False, False]
    assert kept.take().fileno() == 1


def test_a_connection_that_ended_while_idle_is_replaced() -> None:
    """As with every HTTP library: the user would not have noticed."""
    line = Line()
    kept = line.kept(2)
    first, second = kept.take(), kept.take()
    kept.keep(first)
    kept.keep(second)
    line.made[0].quiet = False
    assert kept.take().fileno() == 1
    assert line.made[0].closed


def test_a_refused_connection_leaves_no_trace() -> None:
    """After a refusal the places are all free again."""
    line = Line()
    kept = line.kept(1)
    line.refuses = True
    for _ in range(3):
        try:
            kept.take()
        except ConnectionRefusedError:
            continue
    line.refuses = False
    kept.keep(kept.take())
    assert not line.made[0].closed


def test_a_dropped_connection_is_closed() -> None:
    """It does not come back, and its place is free."""
    line = Line()
    kept = line.kept(1)
    kept.drop(kept.take())
    assert line.made[0].closed
    assert kept.take().fileno() == 1
