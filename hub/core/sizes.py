"""Sizes of files as people say them."""


def size_text(value: int | None) -> str:
    """Size in bytes: 41 KB, 2.1 MB, 218 MB, 6.5 GB (1 KB is 1024 bytes)."""
    scaled = float(value or 0)
    for unit in ("B", "KB", "MB", "GB"):
        if scaled < 1024 or unit == "GB":
            break
        scaled /= 1024
    digits = 1 if scaled < 10 and unit != "B" else 0
    return f"{scaled:,.{digits}f} {unit}"


def size_beside_limit(size_bytes: int, limit_bytes: int) -> dict[str, str]:
    """`size` and `limit` for a sentence; to the byte where both would read the same."""
    told = {"size": size_text(size_bytes), "limit": size_text(limit_bytes)}
    if told["size"] == told["limit"]:
        return {"size": f"{size_bytes:,} B", "limit": f"{limit_bytes:,} B"}
    return told
