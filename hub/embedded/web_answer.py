"""Whether a web server answers, asked over a plain socket without a client library."""

import asyncio

WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound
ANSWER_SECONDS = 30.0


def reachable_host(host: str) -> str:
    """Return an address of this machine under which a server that listens on host is reached."""
    return WILDCARDS.get(host, host)


def site_url(host: str, port: int) -> str:
    """Return the URL to open in a browser on this machine."""
    name = reachable_host(host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


async def answers(host: str, port: int) -> bool:
    """Whether a request for the front page gets an answer; it also warms the server up."""
    try:
        reader, writer = await asyncio.open_connection(reachable_host(host), port)
    except OSError:
        return False
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        first = await asyncio.wait_for(reader.readline(), ANSWER_SECONDS)
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
    return first.startswith(b"HTTP/1.1 ")
