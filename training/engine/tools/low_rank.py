"""The best approximation of a change by a LoRA of a smaller rank, by singular values."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from training.engine.errors import ConfigError


@dataclass(frozen=True)
class RankChoice:
    """At most `rank`; with `energy` (a share, 0 to 1) only as many as keep that much.

    Energy is the sum of the squared singular values, which is the square of the change's norm.
    """

    rank: int
    energy: float | None = None

    def __post_init__(self) -> None:
        if self.rank < 1 or not (self.energy is None or 0 < self.energy <= 1):
            raise ConfigError("The rank must be 1 or more, and the energy a share from 0 to 1.")

    def of(self, singular: torch.Tensor) -> int:
        """Return how many of these singular values are kept; at least one."""
        most = min(self.rank, len(singular))
        if self.energy is None or not bool(singular[0] > 0):
            return most
        share = singular.square().cumsum(0) / singular.square().sum()
        enough = int((share < self.energy - 1e-7).sum()) + 1
        return min(most, enough)


@dataclass(frozen=True)
class Factors:
    """A change as up (outputs, rank) times down (rank, inputs), and the energy that it keeps."""

    up: torch.Tensor
    down: torch.Tensor
    kept: float

    @property
    def rank(self) -> int:
        """Return the number of directions."""
        return len(self.down)


def factor_matrix(matrix: torch.Tensor, choice: RankChoice) -> Factors:
    """Split a change (outputs, inputs) in two; ConfigError where it is not finite."""
    _check_finite(matrix)
    left, singular, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    return _cut(left, singular, right, choice)


def factor_product(up: torch.Tensor, down: torch.Tensor, choice: RankChoice) -> Factors:
    """Cut a change that is a product already; its full matrix is never formed.

    Raises ConfigError where a factor is not finite.
    """
    _check_finite(up, down)
    left, left_core = torch.linalg.qr(up.double())
    right, right_core = torch.linalg.qr(down.double().T)
    core = torch.linalg.svd(left_core @ right_core.T, full_matrices=False)
    return _cut(left @ core.U, core.S, core.Vh @ right.T, choice)


def _check_finite(*tensors: torch.Tensor) -> None:
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
        raise ConfigError(
            "One of the files holds infinite numbers or NaN, so it is damaged or its training "
            "went wrong. Use an earlier checkpoint."
        )


def _cut(
    left: torch.Tensor, singular: torch.Tensor, right: torch.Tensor, choice: RankChoice
) -> Factors:
    rank = choice.of(singular)
    total = float(singular.square().sum())
    kept = float(singular[:rank].square().sum()) / total if total else 1.0
    root = singular[:rank].sqrt()  # shared by both sides, so that half precision holds them
    up, down = left[:, :rank] * root, root[:, None] * right[:rank]
    return Factors(up.float(), down.float(), kept)
