"""Live messages to open pages, shared by the consumers of all areas.

The channel layer is a hint; rows are the truth: a page that missed a message asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

# Closing codes of our websockets; pages give up on 44xx and connect anew on 1013.
SIGN_IN_CODE = 4401
NOT_FOUND_CODE = 4404
TRY_AGAIN_CODE = 1013  # RFC 6455's registry

logger = logging.getLogger(__name__)


def send_to_groups(groups: Sequence[str], message: dict[str, Any]) -> None:
    """Send to groups; a channel layer that is down loses hints, never what they tell of."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        for group in groups:
            async_to_sync(layer.group_send)(group, message)
    except (OSError, RedisError) as error:
        logger.warning("The channel layer did not take a message: %s", error)
