"""Connections to addresses that people name: never into the hub's own network.

A name is resolved once, every address that it has is judged, and the connection goes to exactly the
address that was judged. So neither a redirect nor a name that answers differently the second time
(DNS rebinding) leads inside. Whoever answers byte by byte is left: with limits for single reads
alone, one address could hold a worker for hours.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from time import monotonic

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
#: Over so much time of waiting, redirects and headers included, the least pace has to hold.
PACE_SECONDS = 30.0
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(NotAllowed):
    """The name leads to a network that people outside cannot reach."""

    code = "address_refused"


class Pace:
    """How much comes in while somebody waits for it, over all connections of one fetch."""

    def __init__(self, least_bytes_per_second: int) -> None:
        self._least = least_bytes_per_second
        self._waited, self._came = 0.0, 0

    def note(self, seconds: float, size_bytes: int) -> None:
        """Count a read. Raises httpcore.ReadTimeout below the least pace."""
        self._waited += seconds
        self._came += size_bytes
        if self._waited <= PACE_SECONDS:
            return
        if self._came < self._least * PACE_SECONDS:
            raise httpcore.ReadTimeout("the other side sends slower than the least pace")
        self._waited, self._came = 0.0, 0


class PacedStream(httpcore.NetworkStream):
    """A connection whose other side has to keep a pace."""

    def __init__(self, inner: httpcore.NetworkStream, pace: Pace) -> None:
        self._inner = inner
        self._pace = pace

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is; raises httpcore.ReadTimeout where it is too little for too long."""
        began = monotonic()
        data = self._inner.read(max_bytes, timeout)
        self._pace.note(monotonic() - began, len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        """Hang up."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same pace under TLS."""
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return PacedStream(inner, self._pace)

    def get_extra_info(self, info: str) -> object:
        """What the connection says of itself."""
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens TCP connections to public addresses, and to `allowed` networks, only."""

    def __init__(self, allowed: Iterable[Network] = (), *, pace: Pace) -> None:
        self._allowed = tuple(allowed)
        self._pace = pace
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
        found = self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
        return PacedStream(found, self._pace)

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
        if address.is_site_local:  # fec0::/10, which its inventors gave up and routers still know
            return False
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
