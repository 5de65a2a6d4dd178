"""Connections to addresses that people name: never into the hub's own network.

A name is resolved once, every address that it has is judged, and the connection goes to exactly the
address that was judged. So neither a redirect nor a name that answers differently the second time
(DNS rebinding) leads inside.
"""

import ipaddress
import socket
from collections.abc import Iterable

import httpcore
from django.utils.translation import gettext as _

from hub.core.errors import NotAllowed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)

#: Reached from inside of a cloud only, though not marked as private: protocol assignments (one of
#: them is Oracle's metadata service) and Azure's platform address.
INSIDE = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("168.63.129.16/32"))
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(NotAllowed):
    """The name leads to a network that people outside cannot reach."""

    code = "address_refused"


class GuardedBackend(httpcore.NetworkBackend):
    """Opens TCP connections to public addresses, and to `allowed` networks, only."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Judge the name, then connect to what was judged; TLS still checks the name."""
        address = checked_address(host, port, allowed=self._allowed)
        return self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Sockets of this machine are never meant."""
        raise AddressRefused(_("Only http and https addresses can be fetched."))

    def sleep(self, seconds: float) -> None:
        """Between the attempts of the connection pool."""
        self._inner.sleep(seconds)


def checked_address(host: str, port: int, *, allowed: Iterable[Network] = ()) -> Address:
    """The first address of a name; raises AddressRefused when any of them is not public.

    One private address among public ones is refused as well: nobody publishes that by accident.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} is not known") from error
    addresses = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    networks = tuple(allowed)
    for address in addresses:
        if not (is_public(address) or any(address in network for network in networks)):
            raise AddressRefused(
                _("%(name)s leads into a private network. Name an address that is public.")
                % {"name": host}
            )
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether an address, and any IPv4 one that is wrapped in it, is reached from everywhere."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:  # the outer form is only a spelling
            return is_public(inner)
        tunnels = (address.sixtofour, *(address.teredo or ()))
        if any(end is not None and not is_public(end) for end in tunnels):
            return False
    if any(address in network for network in INSIDE):
        return False
    kinds = (address.is_multicast, address.is_reserved, address.is_unspecified)
    return address.is_global and not any(kinds)


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """What `::ffff:8.8.8.8` and its NAT64 form stand for."""
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
