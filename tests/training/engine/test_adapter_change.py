"""What the tensors of adapter files do to a weight, against peft's own adapters."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from training.engine.adapter_change import UnknownAdapterError, weight_change
from training.engine.files.adapter_files import is_adapter_part

pytestmark = pytest.mark.engine
LAYERS = {"linear": lambda: nn.Linear(12, 8), "conv": lambda: nn.Conv2d(4, 6, 3)}


def adapted(kind: str, layer: str, **settings: Any) -> Any:
    """Return a layer of peft with random numbers in all its tensors."""
    import peft

    torch.manual_seed(0)
    module = nn.Sequential(LAYERS[layer]())
    config = getattr(peft, kind)(target_modules=["0"], r=3, **settings)
    found: Any = peft.inject_adapter_in_model(config, module)[0]
    with torch.no_grad():
        for name, parameter in found.named_parameters():
            if "default" in name:
                parameter.copy_(torch.randn_like(parameter))
    return found


def tensors_of(layer: Any, names: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Return peft's tensors under the names of LyCORIS, which are the same."""
    found = {}
    for name in names:
        held = getattr(layer, name, {})
        if "default" in held:
            found[name] = held["default"].detach()
    return found


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("effective", [False, True])
def test_loha_is_what_peft_computes(layer: str, effective: bool) -> None:
    found = adapted("LoHaConfig", layer, alpha=5, use_effective_conv2d=effective)
    parts = tensors_of(
        found, ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2")
    )
    parts["alpha"] = torch.tensor(5.0)
    change = weight_change(parts, found.base_layer.weight)
    torch.testing.assert_close(change, found.get_delta_weight("default").detach())


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "settings", [{}, {"decompose_both": True}, {"use_effective_conv2d": True}], ids=str
)
def test_lokr_is_what_peft_computes(layer: str, settings: dict[str, bool]) -> None:
    found = adapted("LoKrConfig", layer, alpha=5, **settings)
    names = ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2")
    parts = tensors_of(found, names)
    if not {"lokr_w1", "lokr_w2"} <= parts.keys():
        parts["alpha"] = torch.tensor(5.0)
        expected = found.get_delta_weight("default").detach()
    else:  # LyCORIS gives no scale to two full factors
        expected = found.get_delta_weight("default").detach() / found.scaling["default"]
    change = weight_change(parts, found.base_layer.weight)
    torch.testing.assert_close(change, expected)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("dora", [False, True])
def test_lora_and_dora_are_what_peft_merges(layer: str, dora: bool) -> None:
    found = adapted("LoraConfig", layer, lora_alpha=5, use_dora=dora)
    before = found.base_layer.weight.detach().clone()
    parts = {
        "lora_down.weight": found.lora_A["default"].weight.detach(),
        "lora_up.weight": found.lora_B["default"].weight.detach(),
        "alpha": torch.tensor(5.0),
    }
    if dora:
        scale = found.lora_magnitude_vector["default"].weight.detach()
        parts["dora_scale"] = scale.reshape(-1, *(1 for _ in before.shape[1:]))
    change = weight_change(parts, before)
    found.merge()
    torch.testing.assert_close(before + change, found.base_layer.weight.detach())


def test_the_older_dora_gives_each_input_its_length() -> None:
    draws = torch.Generator().manual_seed(1)
    weight = torch.randn(8, 12, generator=draws)
    parts = {
        "lora_down.weight": torch.randn(2, 12, generator=draws),
        "lora_up.weight": torch.randn(8, 2, generator=draws),
        "dora_scale": torch.rand(1, 12, generator=draws) + 0.5,
    }
    made = weight + weight_change(parts, weight)
    torch.testing.assert_close(made.norm(dim=0), parts["dora_scale"][0])


def test_a_core_between_down_and_up_is_the_convolution_of_all_three() -> None:
    draws = torch.Generator().manual_seed(2)
    down, mid, up = (
        torch.randn(shape, generator=draws) for shape in ((3, 4, 1, 1), (3, 3, 3, 3), (6, 3, 1, 1))
    )
    picture = torch.randn(1, 4, 9, 9, generator=draws)
    expected = nn.functional.conv2d(
        nn.functional.conv2d(nn.functional.conv2d(picture, down), mid), up
    )
    parts = {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up}
    change = weight_change(parts, torch.zeros(6, 4, 3, 3))
    torch.testing.assert_close(nn.functional.conv2d(picture, change), expected)


@pytest.mark.parametrize("alpha", [None, 0.0])
def test_no_alpha_means_the_rank(alpha: float | None) -> None:
    parts = {"lora_down.weight": torch.ones(2, 3), "lora_up.weight": torch.ones(4, 2)}
    if alpha is not None:
        parts["alpha"] = torch.tensor(alpha)
    assert torch.equal(weight_change(parts, torch.zeros(4, 3)), torch.full((4, 3), 2.0))


def test_tensors_of_another_form_or_size_are_refused() -> None:
    with pytest.raises(UnknownAdapterError, match="vera_lambda_b"):
        weight_change({"vera_lambda_b": torch.ones(1)}, torch.zeros(2, 2))
    with pytest.raises(UnknownAdapterError, match=r"\(3, 3\).*\(2, 2\)"):
        weight_change({"diff": torch.ones(3, 3)}, torch.zeros(2, 2))
    assert is_adapter_part("lora_unet_x.hada_w1_a")
    assert not is_adapter_part("lora_unet_x.alpha")


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2, 2)])
def test_oft_turns_pairs_of_outputs_by_twice_the_angle_of_its_blocks(
    shape: tuple[int, ...],
) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    angle = torch.tensor(0.3)
    block = torch.tensor([[0.0, 0.0], [float(angle.div(2).tan()), 0.0]])  # of Cayley's form
    parts = {"oft_blocks": torch.stack([block, torch.zeros(2, 2)])}
    turned = weight + weight_change(parts, weight)
    first, second = weight[0], weight[1]
    torch.testing.assert_close(turned[0], first * angle.cos() + second * angle.sin())
    torch.testing.assert_close(turned[1], second * angle.cos() - first * angle.sin())
    torch.testing.assert_close(turned[2:], weight[2:])
    longer = {**parts, "rescale": torch.full((4, *(1 for _ in shape[1:])), 2.0)}
    torch.testing.assert_close(weight + weight_change(longer, weight), 2 * turned)


def test_the_alpha_of_oft_limits_how_far_it_turns() -> None:
    weight, blocks = torch.eye(4), torch.randn(2, 2, 2, generator=torch.Generator().manual_seed(2))
    skew = blocks - blocks.transpose(1, 2)
    alpha = float(skew.norm()) / 8  # half of what they are, for four outputs
    limited = weight_change({"oft_blocks": blocks, "alpha": torch.tensor(alpha)}, weight)
    torch.testing.assert_close(limited, weight_change({"oft_blocks": blocks / 2}, weight))
    free = weight_change({"oft_blocks": blocks, "alpha": torch.tensor(0.0)}, weight)
    torch.testing.assert_close(free, weight_change({"oft_blocks": blocks}, weight))


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1)])
def test_ia3_has_a_factor_for_each_input_or_output(shape: tuple[int, ...]) -> None:
    weight, factors = torch.ones(shape), torch.tensor([1.0, 2.0, 3.0])
    of_inputs = weight_change({"weight": factors, "on_input": torch.tensor(1)}, weight)
    assert of_inputs.flatten(1).tolist() == [[1, 2, 3], [1, 2, 3]]
    of_outputs = weight_change({"weight": factors[:2], "on_input": torch.tensor(0)}, weight)
    assert of_outputs.flatten(1).tolist() == [[1, 1, 1], [2, 2, 2]]


def test_glora_adds_a_product_and_one_of_the_weight() -> None:
    draws = torch.Generator().manual_seed(3)
    weight = torch.randn(5, 4, generator=draws)
    shapes = {"a1": (4, 2), "a2": (2, 4), "b1": (5, 2), "b2": (2, 4)}
    parts = {f"{n}.weight": torch.randn(s, generator=draws) for n, s in shapes.items()}
    a1, a2, b1, b2 = parts.values()
    expected = (b1 @ b2 + weight @ a1 @ a2) * 3 / 2
    torch.testing.assert_close(
        weight_change({**parts, "alpha": torch.tensor(3.0)}, weight), expected
    )


def test_glora_with_a_core_adds_the_convolution_of_all_three() -> None:
    draws = torch.Generator().manual_seed(4)
    weight = torch.randn(5, 4, 3, 3, generator=draws)
    core = {"b2": (2, 4, 1, 1), "bm": (2, 2, 3, 3), "b1": (5, 2, 1, 1)}
    shapes = {"a1": (4, 2, 1, 1), "a2": (2, 4, 1, 1), **core}
    parts = {f"{n}.weight": torch.randn(s, generator=draws) for n, s in shapes.items()}
    picture = torch.randn(1, 4, 9, 9, generator=draws)
    expected = picture
    for name in core:
        expected = nn.functional.conv2d(expected, parts[f"{name}.weight"])
    without = {**parts, "bm.weight": torch.zeros(2, 2, 3, 3)}
    change = weight_change(parts, weight) - weight_change(without, weight)
    found = nn.functional.conv2d(picture, change)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_boft_turns_without_changing_lengths_and_not_at_all_at_no_strength() -> None:
    draws = torch.Generator().manual_seed(5)
    weight = torch.randn(16, 3, 3, 3, generator=draws)
    parts = {"oft_blocks": torch.randn(2, 2, 8, 8, generator=draws)}
    turned = weight + weight_change(parts, weight)
    flat = (weight.flatten(1), turned.flatten(1))
    torch.testing.assert_close(*(values.T @ values for values in flat), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(turned, weight)
    assert weight_change(parts, weight, 0.0).abs().max() < 1e-6


def test_tensors_that_do_not_fit_the_weight_are_refused() -> None:
    with pytest.raises(RuntimeError):
        weight_change({"oft_blocks": torch.zeros(1, 2, 2, 2)}, torch.zeros(5, 4))
