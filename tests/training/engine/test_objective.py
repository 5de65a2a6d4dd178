"""The forward process and the loss, against diffusers' own and against the papers."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_noise_and_targets_are_those_of_diffusers(kind: str) -> None:
    import torch
    from diffusers import DDPMScheduler

    from training.engine.objective import NoiseSchedule

    theirs = DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=kind
    )
    ours = NoiseSchedule(theirs.alphas_cumprod, kind)
    latents, noise = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    timesteps = torch.tensor([0, 500, 999])
    expected = theirs.add_noise(latents, noise, timesteps)
    assert torch.allclose(ours.add_noise(latents, noise, timesteps), expected, atol=1e-6)
    target = noise if kind == "epsilon" else theirs.get_velocity(latents, noise, timesteps)
    assert torch.allclose(ours.target(latents, noise, timesteps), target, atol=1e-6)


def test_a_zero_terminal_snr_is_honoured_from_the_bases_own_schedule(velocity_base: Path) -> None:
    import torch

    from tests.factories.engine import make_config
    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose

    config = make_config(velocity_base, Path("unused"))
    components = load_components(config, choose(Machine(cuda=False)))
    schedule = components.noise_schedule()
    assert components.zero_terminal_snr
    assert schedule.prediction_type == "v_prediction"
    last = torch.tensor([999])
    assert float(schedule.snr(last)) < 1e-6
    latents, noise = torch.ones(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    assert torch.allclose(schedule.add_noise(latents, noise, last), noise, atol=1e-3)


def test_min_snr_weights_follow_the_paper() -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    alphas = torch.tensor([0.99, 0.5, 0.1])
    timesteps = torch.tensor([0, 1, 2])
    ones = torch.ones(3, 1, 2, 2)
    snr = alphas / (1 - alphas)
    rule = LossRule(snr_gamma=5.0)
    epsilon = rule.per_sample(ones, ones * 0, timesteps, NoiseSchedule(alphas, "epsilon"))
    velocity = rule.per_sample(ones, ones * 0, timesteps, NoiseSchedule(alphas, "v_prediction"))
    assert torch.allclose(epsilon, snr.clamp(max=5) / snr)
    assert torch.allclose(velocity, snr.clamp(max=5) / (snr + 1))


@pytest.mark.parametrize(("kind", "near", "far"), [("huber", 1.0, 0.2), ("smooth_l1", 10.0, 2.0)])
def test_huber_is_square_near_zero_and_straight_far_away(
    kind: str, near: float, far: float
) -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    schedule = NoiseSchedule(torch.tensor([0.5]), "epsilon")
    rule = LossRule(kind=kind, huber_delta=0.1)
    small, large = (torch.full((1, 1, 1, 1), value).double() for value in (0.001, 1000.0))
    zero, step = torch.zeros(1, 1, 1, 1), torch.tensor([0])
    got = float(rule.per_sample(small, zero, step, schedule))
    assert got == pytest.approx(near * 0.001**2, rel=0.02)
    got = float(rule.per_sample(large, zero, step, schedule))
    assert got == pytest.approx(far * 1000, rel=1e-3)


def test_l1_is_the_distance() -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    rule, schedule = LossRule(kind="l1"), NoiseSchedule(torch.tensor([0.5]), "epsilon")
    error = torch.tensor([-3.0, 1.0]).view(1, 2, 1, 1)
    assert float(rule.per_sample(error, error * 0, torch.tensor([0]), schedule)) == 2.0


def test_the_huber_limit_follows_its_schedule() -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    alphas = torch.linspace(0.999, 0.01, 1000)
    schedule, steps = NoiseSchedule(alphas, "epsilon"), torch.tensor([0, 500, 999])

    def limit(kind: str) -> list[float]:
        rule = LossRule(kind="huber", huber_delta=0.1, huber_schedule=kind)
        return list(rule.huber_limit(steps, schedule).tolist())

    assert limit("constant") == pytest.approx([0.1, 0.1, 0.1])
    assert limit("exponential") == pytest.approx([1.0, 0.1**0.5, 0.1**0.999])
    sigmas = [((1 - float(alphas[t])) / float(alphas[t])) ** 0.5 for t in (0, 500, 999)]
    assert limit("snr") == pytest.approx([0.9 / (1 + s) ** 2 + 0.1 for s in sigmas], rel=1e-4)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_debiased_weights_are_those_of_their_source(kind: str) -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    alphas = torch.tensor([0.99999, 0.5, 0.1])
    snr = (alphas / (1 - alphas)).clamp(max=1000)
    ones, steps = torch.ones(3, 1, 2, 2), torch.tensor([0, 1, 2])
    got = LossRule(debiased=True).per_sample(ones, ones * 0, steps, NoiseSchedule(alphas, kind))
    assert torch.allclose(got, 1 / (snr + 1) if kind == "v_prediction" else snr.rsqrt())


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_the_loss_of_velocity_can_weigh_what_that_of_noise_does(kind: str) -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    alphas, steps = torch.tensor([0.9, 0.5, 0.1]), torch.tensor([0, 1, 2])
    ones, schedule = torch.ones(3, 1, 2, 2), NoiseSchedule(alphas, kind)
    got = LossRule(scale_velocity=True).per_sample(ones, ones * 0, steps, schedule)
    # snr / (snr + 1) is alpha itself: a mistake in velocity is root alpha of it in noise
    assert torch.allclose(got, alphas if kind == "v_prediction" else torch.ones(3))


def test_a_loss_like_that_of_velocity_can_be_added() -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    alphas, steps = torch.tensor([0.9, 0.5, 0.1]), torch.tensor([0, 1, 2])
    ones, schedule = torch.ones(3, 1, 2, 2), NoiseSchedule(alphas, "epsilon")
    got = LossRule(velocity_like=0.3).per_sample(ones, ones * 0, steps, schedule)
    assert torch.allclose(got, 1 + 0.3 / alphas)  # snr / (snr + 1) is alpha
    none_left = NoiseSchedule(torch.tensor([0.0]), "v_prediction")
    assert (
        LossRule(velocity_like=1.0).per_sample(ones[:1], ones[:1] * 0, steps[:1], none_left) < 2e4
    )


def test_the_noise_offset_can_follow_the_mean_of_each_channel() -> None:
    import torch

    from training.engine.objective import NoiseRule

    latents = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(0)) - 0.5
    means, draws = latents.mean((2, 3), keepdim=True).abs(), NoiseRule(seed=1)
    slots, shape = [0, 1], (4, 6, 6)
    offsets = NoiseRule(seed=1, offset=1.0).noise(0, slots, shape) - draws.noise(0, slots, shape)
    assert draws.adaptive_part(latents, 0, slots) is None
    for scale in (2.0, -2.0):  # kohya: noise + clamp(offset + scale · |mean|, 0) · draw
        rule = NoiseRule(seed=1, offset=0.1, adaptive_scale=scale)
        part = rule.adaptive_part(latents, 0, slots)
        assert part is not None
        whole = rule.noise(0, slots, shape) + part
        expected = draws.noise(0, slots, shape) + (0.1 + scale * means).clamp(min=0) * offsets
        assert torch.allclose(whole, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_no_weight_is_infinite_where_no_signal_is_left(kind: str) -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    schedule, ones = NoiseSchedule(torch.tensor([0.0]), kind), torch.ones(1, 1, 2, 2)
    for rule in (LossRule(snr_gamma=5), LossRule(debiased=True), LossRule("huber", 0.1, "snr")):
        assert torch.isfinite(rule.per_sample(ones, ones * 0, torch.tensor([0]), schedule)).all()
    gamma = LossRule(snr_gamma=5).per_sample(ones, ones * 0, torch.tensor([0]), schedule)
    assert float(gamma) == (0.0 if kind == "v_prediction" else 1.0)


def test_multires_noise_keeps_its_variance_and_moves_it_to_coarse_places() -> None:
    import torch
    from torch.nn import functional

    from training.engine.objective import NoiseRule

    shape, slots = (4, 32, 32), list(range(16))
    plain = NoiseRule(seed=1).noise(0, slots, shape)
    rule = NoiseRule(seed=1, multires_layers=6, multires_discount=0.8)
    layered = rule.noise(0, slots, shape)
    assert torch.allclose(layered.flatten(1).std(1), torch.ones(16), atol=1e-5)
    coarse_plain, coarse = (float(functional.avg_pool2d(n, 8).var()) for n in (plain, layered))
    assert coarse > 5 * coarse_plain
    assert torch.equal(layered[3:5], rule.noise(0, [3, 4], shape))  # no part depends on another
    one_layer = NoiseRule(seed=1, multires_layers=1).noise(0, [0], shape)[0]
    rest = one_layer - plain[0] * float((one_layer * plain[0]).mean())
    assert float(rest.var()) == pytest.approx(
        0.5, abs=0.05
    )  # the first layer is as fine and strong


def test_noise_offset_moves_whole_channels_by_its_share() -> None:
    import torch

    from training.engine.objective import NoiseRule

    shape, slots = (4, 8, 8), list(range(400))
    plain = NoiseRule(seed=1).noise(0, slots, shape)
    fixed = NoiseRule(seed=1, offset=0.5).noise(0, slots, shape) - plain
    varied = NoiseRule(seed=1, offset=0.5, offset_varies=True).noise(0, slots, shape) - plain
    assert torch.allclose(fixed, fixed[..., :1, :1].expand_as(fixed), atol=1e-6)
    assert float(fixed[..., 0, 0].std()) == pytest.approx(0.5, rel=0.1)
    shares = (varied / fixed)[..., 0, 0].mean(1)
    assert 0 <= float(shares.min()) < 0.1
    assert 0.9 < float(shares.max()) <= 1.001


def test_input_perturbation_disturbs_the_input_by_its_share_and_not_the_target() -> None:
    from training.engine.objective import NoiseRule

    rule = NoiseRule(seed=1, perturbation=0.1)
    extra = rule.disturbance(0, [0], (4, 32, 32))
    assert extra is not None
    assert float(extra.std()) == pytest.approx(0.1, rel=0.1)
    assert NoiseRule(seed=1).disturbance(0, [0], (4, 32, 32)) is None


def test_the_zero_terminal_snr_setting_rescales_the_schedule_as_its_paper_says(base: Path) -> None:
    import torch

    from tests.factories.engine import make_config
    from training.engine.components import load_components
    from training.engine.errors import ConfigError
    from training.engine.machine.precision import Machine, choose

    def schedule(zero: bool | None) -> torch.Tensor:
        changes = {} if zero is None else {"zero_terminal_snr": zero}
        config = make_config(base, Path("unused"), **changes)
        velocity = config.base_model.model_copy(update={"prediction_type": "v_prediction"})
        config = config.model_copy(update={"base_model": velocity})
        components = load_components(config, choose(Machine(cuda=False)))
        assert components.zero_terminal_snr is bool(zero)
        return components.noise_schedule().alphas_cumprod.double().sqrt()

    before, after = schedule(None), schedule(True)
    expected = (before - before[-1]) * before[0] / (before[0] - before[-1])
    assert torch.allclose(after, expected, atol=1e-4)
    assert torch.equal(schedule(False), before)
    with pytest.raises(ConfigError, match="velocity"):
        load_components(
            make_config(base, Path("unused"), zero_terminal_snr=True), choose(Machine(cuda=False))
        )


def test_timesteps_cover_the_range_evenly_and_do_not_depend_on_the_cut() -> None:
    from training.engine.objective import NoiseRule

    rule = NoiseRule(seed=1, min_timestep=100, max_timestep=900)
    whole = rule.timesteps(3, [0, 1, 2, 3], 4)
    assert sorted((value - 100) // 200 for value in whole.tolist()) == [0, 1, 2, 3]
    parts = [*rule.timesteps(3, [0, 1], 4).tolist(), *rule.timesteps(3, [2, 3], 4).tolist()]
    assert whole.tolist() == parts
    many = [int(rule.timesteps(step, [0], 1)) for step in range(500)]
    assert min(many) < 120
    assert max(many) > 880
    assert 100 <= min(many) <= max(many) < 900


@pytest.mark.parametrize(
    "sampler", ["Euler", "Euler a", "DDIM", "DPM++ 2M", "DPM++ 2M Karras", "UniPC"]
)
def test_every_sampler_makes_a_picture_on_a_zero_terminal_snr_base(
    sampler: str, velocity_base: Path
) -> None:
    import numpy as np

    from tests.factories.engine import make_config
    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose
    from training.engine.samples.prompts import parse_prompt
    from training.engine.samples.sampling import make_pictures
    from training.engine.text import TextConditioner

    config = make_config(
        velocity_base, Path("unused"), sampling={"sampler": sampler, "steps": 4, "guidance": 2.0}
    )
    components = load_components(config, choose(Machine(cuda=False)))
    requests = [parse_prompt(f"a thing --d {seed}", config) for seed in (1, 2, 1)]
    pictures: dict[int, np.ndarray] = {}
    make_pictures(
        components,
        TextConditioner(components),
        requests,
        on_picture=lambda number, picture: pictures.update({number: np.asarray(picture)}),
    )
    assert pictures[0].shape == (64, 64, 3)
    assert pictures[0].std() > 1
    assert (pictures[0] == pictures[2]).all()
    assert (pictures[0] != pictures[1]).any()
