"""Shared by the tests of live pages."""

from collections.abc import AsyncIterator

import pytest_asyncio
from channels.layers import channel_layers, get_channel_layer


@pytest_asyncio.fixture
async def fresh_layer() -> AsyncIterator[None]:
    """Each test has its own event loop, and with it its own connections to the channel layer."""
    channel_layers.backends.clear()
    yield
    layer = get_channel_layer()
    await layer.flush()
    channel_layers.backends.clear()
