"""Requests to addresses that people give us, kept away from what only this machine can reach.

A name is looked up once, every address behind it is checked, and the connection goes to a checked address and
to no other; Host and TLS still carry the name. So a name that changes its mind between the check and the
connection (DNS rebinding) gains nothing. No redirect is followed, no proxy or netrc of the environment is
used, and nothing is decompressed.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import httpcore
import httpx

from unstrung import __version__
from unstrung.studio.errors import InvalidField

Resolver = Callable[[str, int], Sequence[str]]

MAX_URL_CHARACTERS: Final = 2_000
_MAX_PORT: Final = 65_535
_MAX_ADDRESSES: Final = 4
_AGENT: Final = f"Unstrung/{__version__}"
# Networks whose addresses carry an IPv4 address that a gateway may unpack: NAT64 (RFC 6052), 6to4, Teredo.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_TUNNELS: Final = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))


class AddressRefused(InvalidField):
    """The address has a form, or leads to a place, that is not good for a request."""

    code = "address_refused"


class Unreachable(InvalidField):
    """There was no usable answer from the address."""

    code = "address_unreachable"


def addresses_of(host: str, port: int) -> Sequence[str]:
    """The addresses behind a name, by the system's resolver.

    Raises:
        OSError, UnicodeError: if the name is unknown, or is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one that the whole internet can reach."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed in _NAT64:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
        elif parsed.is_site_local or any(parsed in network for network in _TUNNELS):
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def check_public(
    url: str, allow_private: bool = False, *, param: str = "url", resolve: Resolver = addresses_of
) -> Sequence[str]:
    """Check an address before it is kept; whoever connects checks again.

    Args:
        url: as a person gave it.
        allow_private: also take http, and addresses that are not public.
        param: field that the error names.
        resolve: looks names up.

    Returns:
        The IP addresses behind it.

    Raises:
        AddressRefused: if it is not https to a public address.
        Unreachable: if its name is unknown.
    """
    parsed = _parsed(url, allow_private, param)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    return _checked(parsed.raw_host.decode(), port, allow_private, param, resolve)


def fetch(
    url: str,
    max_bytes: int,
    timeout_s: float,
    allow_private: bool = False,
    *,
    param: str = "url",
    resolve: Resolver = addresses_of,
) -> tuple[bytes, str | None]:
    """Fetch a file.

    Args:
        url: as a person gave it.
        max_bytes: most that it may have.
        timeout_s: for everything after the look-up of the name [s].
        allow_private: also take http, and addresses that are not public.
        param: field that errors name.
        resolve: looks names up.

    Returns:
        Its bytes, and its content type as the sender says.

    Raises:
        AddressRefused: if it is not https to a public address.
        Unreachable: if there was no answer in time, or another one than 200.
        InvalidField: if the file is larger than allowed.
    """
    parsed = _parsed(url, allow_private, param)
    network = _CheckedNetwork(timeout_s, allow_private, param, resolve)
    data = bytearray()
    with _exchange(network, "GET", parsed, {}, None) as response:
        if response.status != HTTPStatus.OK:
            raise Unreachable(
                f"{param} must lead straight to a file (200), {parsed.host} answered {response.status}.",
                param,
            )
        for chunk in response.iter_stream():
            data += chunk
            if len(data) > max_bytes:
                raise InvalidField(
                    f"{param} must lead to a file of at most {max_bytes:,} bytes; this one has more.",
                    param,
                    "file_too_large",
                )
        content_type = httpx.Headers(response.headers).get("content-type")
    return bytes(data), content_type


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    timeout_s: float,
    allow_private: bool = False,
    *,
    param: str = "url",
    resolve: Resolver = addresses_of,
) -> int:
    """Send bytes as they are, and return the status of the answer, whose body is not read.

    Args:
        url: as a person gave it.
        body: what is sent.
        headers: that go with it.
        timeout_s: for everything after the look-up of the name [s].
        allow_private: also take http, and addresses that are not public.
        param: field that errors name.
        resolve: looks names up.

    Raises:
        AddressRefused: if it is not https to a public address.
        Unreachable: if there was no answer in time.
    """
    parsed = _parsed(url, allow_private, param)
    network = _CheckedNetwork(timeout_s, allow_private, param, resolve)
    with _exchange(network, "POST", parsed, headers, body) as response:
        return response.status


def _parsed(url: str, allow_private: bool, param: str) -> httpx.URL:
    schemes = ("https", "http") if allow_private else ("https",)
    shown = ascii(url if len(url) <= 100 else f"{url[:97]}...")
    if len(url) > MAX_URL_CHARACTERS:
        raise AddressRefused(
            f"{param} must have at most {MAX_URL_CHARACTERS:,} characters, got {len(url):,}.", param
        )
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{param} must be a web address, got {shown}.", param) from error
    if parsed.scheme not in schemes or not parsed.raw_host:
        raise AddressRefused(
            f"{param} must begin with {' or '.join(f'{each}://' for each in schemes)} and a host, "
            f"got {shown}.",
            param,
        )
    if parsed.userinfo:
        raise AddressRefused(
            f"{param} must not carry a name or a password before '@'; take them out.", param
        )
    if parsed.port is not None and not 0 < parsed.port <= _MAX_PORT:
        raise AddressRefused(
            f"{param} must have a port of 1 to {_MAX_PORT}, got {parsed.port}.", param
        )
    return parsed


def _checked(
    host: str, port: int, allow_private: bool, param: str, resolve: Resolver
) -> Sequence[str]:
    """Every address behind a name, if all of them are good."""
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{param}: the host {host!r} cannot be found.", param) from error
    # Which address it was is not told: that would let people ask for the names of a private network.
    if not addresses or not (allow_private or all(map(is_public, addresses))):
        raise AddressRefused(
            f"{param} must lead to a public address, which {host!r} does not.", param
        )
    return addresses


@contextmanager
def _exchange(
    network: "_CheckedNetwork",
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: bytes | None,
) -> Iterator[httpcore.Response]:
    """One request and its answer, over a connection that is closed afterwards."""
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    told = {"host": url.netloc.decode(), "user-agent": _AGENT, "connection": "close", **headers}
    try:
        with (
            httpcore.ConnectionPool(network_backend=network) as pool,
            pool.stream(method, target, headers=list(told.items()), content=content) as response,
        ):
            yield response
    except httpcore.TimeoutException as error:
        raise Unreachable(
            f"{network.param}: {url.host} did not answer within {network.timeout_s:g} s.",
            network.param,
        ) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, UnicodeError) as error:
        raise Unreachable(
            f"{network.param}: {url.host} cannot be reached ({error}).", network.param
        ) from error


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to checked addresses only, and lets nothing take longer than it was given in all."""

    def __init__(
        self, timeout_s: float, allow_private: bool, param: str, resolve: Resolver
    ) -> None:
        self.timeout_s = timeout_s
        self.param = param
        self._allow_private = allow_private
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  (the interface is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Look the name up, check what is behind it, and connect to that."""
        found = _checked(host, port, self._allow_private, self.param, self._resolve)
        addresses = found[:_MAX_ADDRESSES]
        deadline = time.monotonic() + self.timeout_s
        for index, address in enumerate(addresses):
            # One address that swallows packets must not use up the time of the others.
            share_s = _left(deadline) / (len(addresses) - index)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, share_s, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if index + 1 == len(addresses):
                    raise
            else:
                return _TimedStream(stream, deadline)
        raise AssertionError("a checked name has an address")


class _TimedStream(httpcore.NetworkStream):
    """A connection with one deadline, so that a sender who drips bytes cannot hold it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Read what there is."""
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Write everything."""
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Go on under TLS, with the same deadline."""
        secured = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    """Seconds until a deadline.

    Raises:
        httpcore.ReadTimeout: if it has passed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left
