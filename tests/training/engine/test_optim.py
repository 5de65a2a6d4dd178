"""The optimizers against their sources, and those that cannot be had."""

from __future__ import annotations

from typing import Any

import pytest

from training.engine.config.train import TrainConfig
from training.engine.kohya.reading import from_kohya

pytestmark = pytest.mark.engine


def parameter(*values: float) -> Any:
    import torch

    return torch.nn.Parameter(torch.tensor(values))


def test_prodigy_finds_the_distance_as_its_authors_program_does() -> None:
    import torch

    from training.engine.optimizers.prodigy import Prodigy

    weights, goal = parameter(3.0, -2.0), torch.tensor([1.0, 1.0])
    optimizer, estimates = Prodigy([weights], 1.0), []
    for _ in range(40):
        ((weights - goal) ** 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        estimates.append(optimizer.param_groups[0]["d"])
    # What prodigyopt 1.1.2 gives for the same steps.
    assert [estimates[i] for i in (0, 9, 19, 39)] == pytest.approx(
        [1e-6, 0.00389591009095745, 1.081013695730115, 1.081013695730115], rel=1e-5
    )
    assert weights.tolist() == pytest.approx([0.9642889499664307, 1.7978003025054932], rel=1e-5)


def test_lion_moves_by_the_sign_of_its_momentum() -> None:
    import torch

    from training.engine.optimizers.optim import Lion

    weights = parameter(1.0, -1.0)
    optimizer = Lion([weights], 0.1, (0.9, 0.99), weight_decay=0.5)
    expected, momentum = torch.tensor([1.0, -1.0]), torch.zeros(2)
    for gradient in (torch.tensor([2.0, -3.0]), torch.tensor([-0.1, 40.0])):
        weights.grad = gradient.clone()
        optimizer.step()
        direction = (0.9 * momentum + 0.1 * gradient).sign()
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * direction
        momentum = 0.99 * momentum + 0.01 * gradient
    assert torch.allclose(weights.detach(), expected)


@pytest.mark.parametrize("name", ["adamw", "adafactor", "lion", "prodigy", "sgd"])
def test_every_optimizer_brings_a_small_loss_down_at_the_rates_of_its_groups(name: str) -> None:
    import torch

    from training.engine.optimizers.optim import Optimizing, ParamGroup

    rate = {"prodigy": 1.0, "lion": 0.02}.get(name, 0.05)
    config = TrainConfig.parse(
        {
            "optimizer": name,
            "learning_rate": rate,
            "text_encoder_learning_rate": rate / 2,
            "scheduler": "constant",
            "max_grad_norm": 0,
            "weight_decay": 0,
        }
    ).resolved()
    unet, text = parameter(2.0, -1.0), parameter(1.5)
    groups = [ParamGroup("unet", [unet]), ParamGroup("text_encoder", [text], stop_fraction=0.5)]
    optimizing = Optimizing(config, groups, total_steps=80)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    losses, stood_at = [], None
    for step in range(80):
        loss = unet.square().sum() + text.square().sum()
        loss.backward()
        rates = optimizing.step(step, scaler)
        losses.append(float(loss.detach()))
        if step == 40:
            stood_at = float(text.detach())
    assert rates == {"unet": pytest.approx(rate), "text_encoder": 0.0}
    assert losses[-1] < 0.5 * losses[0]
    assert float(text.detach()) == stood_at


def test_a_byte_stands_for_256_values_that_are_finer_near_zero() -> None:
    from training.engine.optimizers.adamw_8bit import code_table

    for signed in (True, False):
        table = code_table(signed=signed)
        assert len(set(table.tolist())) == 256
        assert float(table[-1]) == 1.0
        assert 0 < float(table[table > 0].min()) < 1e-6


def test_the_8_bit_optimizer_moves_as_the_whole_one_does_with_a_quarter_of_its_memory() -> None:
    import torch

    from training.engine.optimizers.adamw_8bit import AdamW8bit

    def solved(small: bool) -> tuple[torch.Tensor, list[float], int]:
        torch.manual_seed(4)
        weights = torch.nn.Parameter(torch.randn(128, 64))
        goal, x = torch.randn(128, 64), torch.randn(64, 64)
        kind = AdamW8bit if small else torch.optim.AdamW
        optimizer = kind([weights], lr=0.02, weight_decay=0.0)
        losses = []
        for _ in range(150):
            optimizer.zero_grad()
            loss = (x @ (weights - goal).T).square().mean()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        state = optimizer.state[weights].values()
        kept = sum(v.nbytes for v in state if isinstance(v, torch.Tensor))
        return weights.detach(), losses, kept

    (small, small_losses, small_bytes), (whole, losses, whole_bytes) = solved(True), solved(False)
    assert small_bytes < 0.27 * whole_bytes
    assert small_losses[-1] < 1.1 * losses[-1] < 0.2 * losses[0]
    assert float((small - whole).norm() / whole.norm()) < 0.1


def test_a_spread_too_small_for_its_byte_never_makes_a_step_endless() -> None:
    import torch

    from training.engine.optimizers.adamw_8bit import AdamW8bit

    weights = torch.nn.Parameter(torch.zeros(4096))
    optimizer = AdamW8bit([weights], lr=1e-3)
    gradient = torch.full((4096,), 1e-4)
    gradient[::256] = 1.0
    for scale in (1.0, 1.0, 0.0, 0.0):
        weights.grad = gradient * scale
        optimizer.step()
    assert float(weights.detach().abs().max()) < 0.05


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("AdamW8bit", "adamw8bit"),
        ("PagedAdamW8bit", "adamw8bit"),
        ("SGDNesterov", "sgd"),
        ("Lion8bit", "lion"),
        ("prodigyopt.Prodigy", "prodigy"),
        ("AdaFactor", "adafactor"),
    ],
)
def test_kohyas_names_of_optimizers_are_understood(theirs: str, ours: str) -> None:
    arguments = ["relative_step=False"] if ours == "adafactor" else []
    found = from_kohya({"network_dim": 4, "optimizer_type": theirs, "optimizer_args": arguments})
    assert found.report == ()
    assert TrainConfig.parse(found.settings).optimizer == ours


def test_what_kohya_has_and_we_do_not_is_reported_and_never_breaks_the_settings() -> None:
    found = from_kohya(
        {
            "network_dim": 4,
            "optimizer_type": "DAdaptAdam",
            "lr_scheduler": "piecewise_constant",
            "loss_type": "other",
        }
    )
    assert len(found.report) == 3
    config = TrainConfig.parse(found.settings)
    assert (config.optimizer, config.scheduler, config.loss) == ("adamw", "constant", "mse")


def test_a_gradient_that_is_not_finite_moves_no_weight_of_a_fused_optimizer() -> None:
    import torch

    from training.engine.optimizers.optim import Optimizing, ParamGroup

    weight = parameter(1.0)
    config = TrainConfig.parse({"optimizer": "adamw"}).resolved()
    optimizing = Optimizing(config, [ParamGroup("unet", [weight])], total_steps=4)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    for step, gradient in enumerate((float("nan"), float("inf"), 1.0)):
        weight.grad = torch.full_like(weight, gradient)
        before = weight.detach().clone()
        optimizing.step(step, scaler, optimizing.clip())
        assert torch.equal(weight.detach(), before) == (step < 2)
        assert weight.isfinite().all()


def test_a_text_encoder_at_rest_takes_no_part_in_the_norm_and_moves_again_never() -> None:
    import torch

    from training.engine.optimizers.optim import Optimizing, ParamGroup

    unet, text = parameter(3.0), parameter(4.0)
    groups = [ParamGroup("unet", [unet]), ParamGroup("text_encoder", [text], stop_fraction=0.5)]
    optimizing = Optimizing(TrainConfig.parse({}).resolved(), groups, total_steps=2)
    norms = []
    for step in range(2):
        optimizing.settle(step)
        (unet.square().sum() / 2 + text.square().sum() / 2).backward()
        norms.append(float(optimizing.clip()))
        unet.grad = text.grad = None
    assert norms == pytest.approx([5.0, 3.0])
    assert isinstance(text, torch.nn.Parameter)
    assert not text.requires_grad
