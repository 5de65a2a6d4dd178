"""Keys that people and programs hold: only their hashes are kept."""

import hashlib


def key_hash(key: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()
