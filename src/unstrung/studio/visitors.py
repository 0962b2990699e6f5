"""Calls without a key: counted by address, with small bodies, and the tokens that some of them carry."""

import ipaddress
from typing import Annotated, Final

from fastapi import Depends, Request

from unstrung.studio import cookies
from unstrung.studio.dependencies import Body, studio_of
from unstrung.studio.wire import read_body

# An application with every field full has about 30,000 characters.
MAX_BODY_BYTES: Final = 200_000
# One household or office commonly has a /64 of IPv6 to itself.
_IPV6_PREFIX: Final = 64


def address_of(request: Request) -> str:
    """Where a call comes from: the IPv4 address, or the /64 of an IPv6 address."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))


async def visitor_of(request: Request) -> str:
    """The address of a caller, within the rate at which one may call without a key.

    Raises:
        TooMany: if not.
    """
    address = address_of(request)
    await studio_of(request).rates.spend_visit(address)
    return address


VisitorOf = Annotated[str, Depends(visitor_of)]


async def reader_of(request: Request) -> str:
    """The address of a caller, within the rate at which one may read what is public.

    A page that is read by many of one network must not keep them from signing in, so it is counted apart.

    Raises:
        TooMany: if not.
    """
    address = address_of(request)
    await studio_of(request).rates.spend_reading(address)
    return address


ReaderOf = Annotated[str, Depends(reader_of)]


async def guest_of(request: Request) -> None:
    """Whoever reads a page: counted by address while nobody is signed in, who are counted by session.

    Raises:
        TooMany: beyond the rate.
    """
    if cookies.held(request, studio_of(request).settings) is None:
        await reader_of(request)


async def visitor_body_of(request: Request, _: VisitorOf) -> Body:
    """A small body, read only for an address within its rate.

    Raises:
        RequestError: if it cannot be read.
        TooMany: beyond the rate.
    """
    return Body(*await read_body(request, MAX_BODY_BYTES))


VisitorBodyOf = Annotated[Body, Depends(visitor_body_of)]
