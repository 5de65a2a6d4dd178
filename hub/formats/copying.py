"""How much goes into a file at once."""

from collections.abc import Iterator

# With larger calls ext4 takes its cache in pieces of up to 2 MiB; on a virtual machine these are
# memory that its host has taken back. 2 GiB took 5.2 s instead of 0.5 (Linux 6.18).
COPY_BYTES = 256 * 1024


def in_pieces(data: memoryview) -> Iterator[memoryview]:
    """Bytes in memory, as they are to be written."""
    for start in range(0, len(data), COPY_BYTES):
        yield data[start : start + COPY_BYTES]
