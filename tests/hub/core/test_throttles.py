import uuid

import pytest

from hub.core.throttles import TooMany, check_rate


def test_the_limit_itself_passes_and_one_more_does_not():
    key = uuid.uuid4().hex
    for _ in range(3):
        check_rate(key=key, limit=3, window_seconds=60)
    with pytest.raises(TooMany, match="60 seconds"):
        check_rate(key=key, limit=3, window_seconds=60)
