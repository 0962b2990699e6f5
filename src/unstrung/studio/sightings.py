"""Where keys are used from, as keyed digests: told to `signals` once for each hour, network and program."""

import hashlib
import hmac
import ipaddress
import re
import threading
import time
from collections import OrderedDict
from typing import Final

from starlette.requests import Request

_KEPT: Final = 100_000  # sightings that a process remembers having told
_DIGEST_BYTES: Final = 8
_NETWORK_BITS: Final = {4: 24, 6: 48}
# "openai-python/2.24.0 (...)" and "2.25.1" are the same program.
_PROGRAM: Final = re.compile(r"[A-Za-z][\w.-]*")


class Sightings:
    """Tells fresh sightings from those that this process has told already."""

    def __init__(self, secret: bytes) -> None:
        """Digests are keyed with the studio's secret, so that nobody can try addresses against them."""
        self._secret = secret
        self._told: OrderedDict[tuple[str, int, bytes, bytes], None] = OrderedDict()
        self._lock = threading.Lock()

    def fresh(self, key_id: str, request: Request) -> tuple[bytes, bytes] | None:
        """Digests of network and program, or None if they were told this hour."""
        network = self.network_of(request)
        client = self._digest("client", program_of(request.headers.get("user-agent", "")))
        sighting = (key_id, int(time.time() // 3600), network, client)
        with self._lock:
            if sighting in self._told:
                return None
            self._told[sighting] = None
            while len(self._told) > _KEPT:
                self._told.popitem(last=False)
        return network, client

    def network_of(self, request: Request) -> bytes:
        """Digest of the network that a request comes from."""
        host = request.client.host if request.client else "unknown"
        return self._digest("network", network_around(host))

    def _digest(self, kind: str, text: str) -> bytes:
        found = hmac.digest(self._secret, f"{kind}\0{text}".encode(), hashlib.sha256)
        return found[:_DIGEST_BYTES]


def network_around(host: str) -> str:
    """The /24 of an IPv4 address or the /48 of an IPv6 address; other hosts stand for themselves."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    mapped = address.ipv4_mapped if address.version == 6 else None
    address = mapped or address
    return str(ipaddress.ip_network((address, _NETWORK_BITS[address.version]), strict=False))


def program_of(user_agent: str) -> str:
    """The program's name without version and system."""
    found = _PROGRAM.match(user_agent.partition("/")[0])
    return found.group().lower() if found else "none"
