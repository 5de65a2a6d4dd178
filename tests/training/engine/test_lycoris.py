"""LoCon, LoHa, LoKr and DoRA are those of the LyCORIS package: same tensors, same values."""

from __future__ import annotations

import pytest
import torch

from tests.training.engine.lycoris_cases import (
    ALPHA,
    CASES,
    LAYERS,
    RANK,
    filled,
    known,
    layer,
    probe,
    seen,
)
from training.engine.adapter_change import weight_change
from training.engine.adapters.dropping import Dropping
from training.engine.adapters.weights import (
    DoraAdapter,
    LohaAdapter,
    LokrAdapter,
    WeightAdapter,
    split,
)

pytestmark = pytest.mark.engine
NUMBERS = known()
TRAINED = ["dora by input", "dora by output", "loha", "lokr", "lokr, factor 12", "lokr, factor 4",
           "lokr, whole"]  # fmt: skip


def adapter(case: str, base: torch.nn.Module) -> WeightAdapter:
    """Return the adapter that we train in a case."""
    options = CASES[case]
    rank, dropping = options.get("lora_dim", RANK), Dropping()
    if options["algo"] == "loha":
        return LohaAdapter(base, rank, ALPHA, dropping)
    if options["algo"] == "lokr":
        return LokrAdapter(base, rank, ALPHA, dropping, options.get("factor", -1))
    return DoraAdapter(base, rank, ALPHA, dropping, of_outputs=options.get("wd_on_out", True))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("case", TRAINED)
@torch.no_grad()
def test_what_we_train_has_lycoriss_tensors_and_gives_what_its_modules_give(
    case: str, kind: str
) -> None:
    theirs, base = NUMBERS[case, kind], layer(kind)
    ours = adapter(case, base)
    parts = ours.by_file_key()
    assert {name: tuple(tensor.shape) for name, tensor in parts.items()} == theirs["shapes"]
    assert ours.alpha == theirs["alpha"]
    for name, values in filled(theirs["shapes"]).items():
        parts[name].copy_(values)
    given = ours.eval()(seen(kind)) - base(seen(kind))
    assert probe(given) == pytest.approx(theirs["values"], rel=1e-3, abs=2e-6)


@pytest.mark.parametrize(("case", "kind"), NUMBERS)
@torch.no_grad()
def test_the_files_of_lycoris_act_here_as_they_do_there(case: str, kind: str) -> None:
    theirs, base = NUMBERS[case, kind], layer(kind)
    parts = filled(theirs["shapes"]) | {"alpha": torch.tensor(theirs["alpha"])}
    before = base(seen(kind))
    strength = CASES[case].get("multiplier", 1.0)
    base.weight.add_(weight_change(parts, base.weight, strength))
    given = base(seen(kind)) - before
    assert probe(given) == pytest.approx(theirs["values"], rel=1e-3, abs=2e-6)


def test_the_sides_of_a_weight_are_split_as_lycoris_splits_them() -> None:
    """Its own examples, and a factor above the root, from `lycoris.functional.factorization`."""
    assert [split(250, factor) for factor in (-1, 2, 4, 8, 16)] == [
        (10, 25), (2, 125), (2, 125), (5, 50), (10, 25)
    ]  # fmt: skip
    assert split(768, 64) == (12, 64)
    assert split(127, 16) == (1, 127)
    assert split(320, 64) == (5, 64)
