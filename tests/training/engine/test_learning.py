"""Training works, not only runs: each method brings its own loss down on one picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories.engine import Recorder, make_config, make_manifest, make_pictures
from training.engine.machine.precision import without_denormals
from training.engine.runs.outputs import RunFolder
from training.engine.runs.preparation import prepare
from training.engine.runs.session import Session

pytestmark = pytest.mark.engine
BATCH, STEPS, DRAWS = 4, 28, 6


def loss_at_fixed_draws(session: Session) -> float:
    """Return the mean loss at noise and timesteps that training does not draw."""
    import torch

    with torch.no_grad():
        losses = [
            session.stepper.losses(batch, step)
            for step in range(100_000, 100_000 + DRAWS)
            for batch in session.stepper.feed.batches(step)
        ]
    return float(torch.cat(losses).mean())


@pytest.mark.parametrize(
    ("method", "rate", "share"),
    [
        ("lora", 2e-2, 0.9),
        ("dreambooth", 3e-3, 0.7),
        ("hypernetwork", 2e-2, 0.95),
        ("textual_inversion", 0.1, 0.995),
    ],
)
def test_a_method_learns_a_picture(
    method: str, rate: float, share: float, base: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    manifest = make_manifest(folder, make_pictures(folder, 1))
    data = json.loads(manifest.read_text(encoding="utf-8"))
    data["images"][0]["repeats"] = BATCH
    manifest.write_text(json.dumps(data), encoding="utf-8")
    config = make_config(
        base,
        manifest,
        method,
        batch_size=BATCH,
        learning_rate=rate,
        max_steps=STEPS,
        textual_inversion={"token": "<thing>", "vectors": 4, "preserve_norm": False},
    )
    run = RunFolder(tmp_path / "run", config.resolved(), Recorder())
    session = prepare(config.resolved(), run, tmp_path / "cache")
    try:
        before = loss_at_fixed_draws(session)
        with without_denormals():
            for step in range(STEPS):
                session.stepper.step(step)
        after = loss_at_fixed_draws(session)
    finally:
        run.journal.close()
    assert after < share * before
