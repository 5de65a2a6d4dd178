"""picklescan, the scanner that the community knows, as a second pair of eyes.

It judges by a list of what is dangerous, ours by a list of what is harmless: so its "nothing found"
clears nothing, and what it finds counts.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from picklescan.scanner import SafetyLevel, scan_bytes


@dataclass(frozen=True, slots=True)
class Opinion:
    """What picklescan says: dangerous imports, and whether it could follow the file to its end."""

    dangerous: tuple[str, ...]
    is_complete: bool

    def as_report(self) -> dict[str, object]:
        """For the file's row."""
        return {
            "scanner": "picklescan",
            "dangerous": list(self.dangerous),
            "is_complete": self.is_complete,
        }


def ask_picklescan(path: Path, *, suffix: str) -> Opinion:
    """Have a pickle looked at that our own scan has found to be within the limits.

    `suffix` (".pt", ".pkl") tells picklescan the container; the file's own name is not trusted.
    """
    with path.open("rb") as stream:
        try:
            result = scan_bytes(stream, path.name, suffix)
        except (ValueError, OSError, EOFError, io.UnsupportedOperation) as error:
            return Opinion((f"picklescan: {error}",), is_complete=False)
    found = tuple(
        f"{item.module}.{item.name}"
        for item in result.globals
        if item.safety is SafetyLevel.Dangerous
    )
    return Opinion(found, is_complete=not result.scan_err)
