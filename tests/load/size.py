"""How large the hub of the benchmark is."""

from dataclasses import dataclass

#: Versions of the models in each block of a thousand, whose sum is 3,000: one model has a hundred.
BLOCK = 1000


@dataclass(frozen=True)
class Size:
    """How many rows of the main tables."""

    models: int = 100_000
    images: int = 1_000_000

    def scaled(self, factor: float) -> "Size":
        """Return the same proportions, smaller; a multiple of a thousand models."""
        blocks = max(1, int(self.models * factor) // BLOCK)
        return Size(blocks * BLOCK, max(BLOCK, int(self.images * factor)))

    @property
    def versions(self) -> int:
        """Return the number of versions; `registry_data` spreads them unevenly."""
        return self.models * 3

    @property
    def second_files(self) -> int:
        """Return how many versions have a second file, such as a pruned one."""
        return self.versions // 3

    @property
    def files(self) -> int:
        """Return the number of model files."""
        return self.versions + self.second_files

    @property
    def people(self) -> int:
        """Return the number of people; each has a share of the models."""
        return max(20, self.models // 50)

    @property
    def teams(self) -> int:
        """Return the number of teams, ten people in each."""
        return max(5, self.people // 10)

    @property
    def tags(self) -> int:
        """Return the number of tags."""
        return max(50, self.models // 50)

    @property
    def posts(self) -> int:
        """Return the number of posts, four pictures each."""
        return self.images // 4
