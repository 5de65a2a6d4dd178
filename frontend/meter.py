"""The progress bar's arithmetic. Widths are svg attributes, so no inline style is needed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meter:
    """A value on the way to a maximum, cut into `parts` by marks."""

    value: float
    maximum: float
    label: str
    parts: int = 0
    kind: str = ""
    id: str = ""

    @property
    def percent(self) -> float:
        """Share that is done, 0 to 100, one decimal."""
        if self.maximum <= 0:
            return 0.0
        return round(min(100.0, max(0.0, 100.0 * self.value / self.maximum)), 1)

    @property
    def gaps(self) -> list[str]:
        """Where the marks between the parts lie, as percentages."""
        return [f"{100 * part / self.parts:.2f}" for part in range(1, self.parts)]
