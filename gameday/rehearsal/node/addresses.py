"""Loopback addresses: Linux answers on all of 127.0.0.0/8, so each pod can have one of its own.

Each stage claims one 127.x.0.0/16 block, so that stages can run side by side; ports can then be used as they
stand.
"""

import random
import socket

_FIRST_BLOCK, _LAST_BLOCK = 16, 250
_CLAIM_PORT = 47127
_HOSTS = 250
_POD_NETS = range(1, 200)
_SERVICE_NETS = range(200, 250)


class Addresses:
    """Hands out the addresses of one stage's block."""

    def __init__(self) -> None:
        self._claim, self.block = _claim_block()
        self._pods = 0
        self._services = 0

    def pod(self) -> str:
        """Return a fresh pod address; one is used again only after tens of thousands of others."""
        self._pods += 1
        return self._address(_POD_NETS, self._pods)

    def service(self) -> str:
        """Return a fresh cluster IP."""
        self._services += 1
        return self._address(_SERVICE_NETS, self._services)

    def infrastructure(self, number: int) -> str:
        """Return an address for the stage's own servers."""
        return f"127.{self.block}.0.{number}"

    def _address(self, nets: range, number: int) -> str:
        net, host = divmod(number - 1, _HOSTS)
        return f"127.{self.block}.{nets[net % len(nets)]}.{host + 1}"

    def release(self) -> None:
        """Give the block back."""
        self._claim.close()


def _claim_block() -> tuple[socket.socket, int]:
    """Claim a block by listening in it: the kernel then refuses it to every other stage."""
    blocks = random.sample(range(_FIRST_BLOCK, _LAST_BLOCK + 1), _LAST_BLOCK - _FIRST_BLOCK + 1)
    for block in blocks:
        claim = socket.socket()
        try:
            claim.bind((f"127.{block}.255.254", _CLAIM_PORT))
            claim.listen(1)
        except OSError:
            claim.close()
        else:
            return claim, block
    raise RuntimeError("no loopback block is free: got every 127.x.255.254:47127 taken, expected one for this stage")
