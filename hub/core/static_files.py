"""Static files under ASGI: WhiteNoise's answers, read in threads and sent in pieces.

WhiteNoise hands Django a plain iterator. Under ASGI, Django warns of that once for every worker,
and reads the whole file into memory before it sends the first byte.
"""

import asyncio
from collections.abc import AsyncIterator

from django.http import HttpRequest
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware
from whitenoise.responders import Redirect, StaticFile

PIECE_BYTES = 64 * 1024


class StaticFileResponse(WhiteNoiseFileResponse):  # type: ignore[misc]  # it has no types
    """One file, or no bytes at all: HEAD, 304, 405 and 416 have no file."""

    block_size = PIECE_BYTES

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield pieces of PIECE_BYTES at most."""
        file = self.file_to_stream
        while file is not None and (piece := await asyncio.to_thread(file.read, PIECE_BYTES)):
            yield piece


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, whose answers can be sent by an event loop."""

    @staticmethod
    def serve(static_file: StaticFile | Redirect, request: HttpRequest) -> StaticFileResponse:
        """What WhiteNoise found, as Django's response and with WhiteNoise's headers alone."""
        found = static_file.get_response(request.method, request.META)
        response = StaticFileResponse(found.file or (), status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
