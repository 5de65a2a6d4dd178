"""DoRA, LoHa, LoKr, block ranks and dropout: trained, written, read back and acting the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.factories.engine import make_config
from tests.training.engine.test_resume import run
from training.engine.config.network import NetworkConfig
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.kohya.network import (
    network_arguments,
    network_module,
    read_network_arguments,
)

pytestmark = pytest.mark.engine

KINDS: dict[str, dict[str, Any]] = {
    "lora": {"dim": 4, "alpha": 2.0, "conv_dim": 2, "rank_dropout": 0.2, "module_dropout": 0.1},
    "dora": {"dim": 4, "alpha": 2.0, "conv_dim": 2, "decompose": True, "module_dropout": 0.1},
    "dora by output": {"dim": 2, "decompose": True, "decompose_outputs": True},
    "loha": {"dim": 4, "alpha": 2.0, "conv_dim": 2, "algorithm": "loha", "rank_dropout": 0.2},
    "lokr": {"dim": 1, "alpha": 0.5, "conv_dim": 2, "algorithm": "lokr", "lokr_factor": 4},
    "lokr, whole": {"dim": 64, "alpha": 8.0, "algorithm": "lokr"},
}
PARTS = {
    "lora": {"lora_down.weight", "lora_up.weight", "alpha"},
    "dora": {"lora_down.weight", "lora_up.weight", "alpha", "dora_scale"},
    "dora by output": {"lora_down.weight", "lora_up.weight", "alpha", "dora_scale"},
    "loha": {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "alpha"},
    "lokr": {"lokr_w1", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "alpha"},
    "lokr, whole": {"lokr_w1", "lokr_w2", "alpha"},
}


def prediction(components: Any) -> Any:
    import torch

    from training.engine.text import TextConditioner

    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        text = TextConditioner(components).encode(["a red thing"]).embeddings
        return components.unet(
            torch.randn(1, 4, 16, 16, generator=draw),
            torch.tensor([400]),
            encoder_hidden_states=text,
        ).sample


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_acts_on_a_base_as_the_trained_adapters_did(
    kind: str, base: Path, manifest: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose
    from training.engine.method import ExportInfo
    from training.engine.methods import make_method
    from training.engine.samples.applying import AppliedFile, applied, kind_of_file

    config = make_config(base, manifest, network=KINDS[kind], train_text_encoder=True).resolved()
    precision = choose(Machine(cuda=False))
    plain, trained = (load_components(config, precision) for _ in range(2))
    method = make_method(config)
    method.install(trained)
    method.set_training(training=False)
    before = prediction(plain)
    assert torch.allclose(prediction(trained), before, atol=1e-5)

    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in method.named_parameters().values():
            tensor.add_(torch.randn(tensor.shape, generator=draw) * 0.2)
    path = tmp_path / "thing.safetensors"
    method.export(path, ExportInfo("thing", 1))

    assert {name.split(".", 1)[1] for name in load_file(path)} == PARTS[kind]
    assert kind_of_file(path) == "lora"
    with applied(plain, [AppliedFile(path)]):
        changed = prediction(plain)
    assert not torch.allclose(changed, before, atol=1e-2)
    assert torch.allclose(prediction(trained), changed, atol=1e-4)


@pytest.mark.parametrize("kind", ["dora", "loha", "lokr"])
def test_training_brings_the_loss_down_and_the_header_names_the_module(
    kind: str, base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    import json

    from safetensors import safe_open

    network = {k: v for k, v in KINDS[kind].items() if "dropout" not in k}
    config = make_config(
        base,
        manifest,
        network=network,
        batch_size=3,
        learning_rate=5e-2,
        max_steps=12,
        validation={"share": 0.2, "draws": 8, "every_epochs": 0},
    )
    path, told = run(config, tmp_path, cache)
    losses = [event.loss for event in told.of("validated")]
    assert losses[-1] < 0.9 * losses[0]
    assert path is not None
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    assert header["ss_network_module"] == "lycoris.kohya"
    assert json.loads(header["ss_network_args"])["algo"] == ("lora" if kind == "dora" else kind)


@pytest.mark.parametrize("kind", ["lora", "dora", "loha", "lokr"])
def test_in_half_precision_the_adapters_stay_in_float32_and_small_changes_count(
    kind: str, base: Path, manifest: Path
) -> None:
    import torch

    from training.engine.components import load_components
    from training.engine.machine.precision import Precision
    from training.engine.methods import make_method

    network = {k: v for k, v in KINDS[kind].items() if k != "module_dropout"}
    config = make_config(base, manifest, network=network).resolved()
    mixed = Precision(
        device="cpu", compute="bf16", use_scaler=False, threads=1, checkpointing=False
    )
    components = load_components(config, mixed)
    method = make_method(config)
    method.install(components)
    with components.autocast():
        output = components.unet(
            torch.randn(1, 4, 16, 16),
            torch.tensor([500]),
            encoder_hidden_states=torch.randn(1, 77, 16),
        ).sample
    output.float().square().mean().backward()
    parameters = method.named_parameters()
    assert {p.dtype for p in parameters.values()} == {torch.float32}
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters.values())


def test_a_change_below_the_steps_of_bf16_still_changes_what_a_layer_gives() -> None:
    import torch

    from training.engine.adapters.dropping import Dropping
    from training.engine.adapters.weights import LohaAdapter

    base = torch.nn.Linear(4, 4, bias=False).to(torch.bfloat16)
    torch.nn.init.ones_(base.weight)
    adapter = LohaAdapter(base, rank=1, alpha=1.0, dropping=Dropping())
    with torch.no_grad():
        for tensor in adapter.tensors.values():
            tensor.fill_(0.1)
        adapter.tensors["hada_w2_b"][:, 1:] = 0.0  # 1e-4 on the weights of the first input alone
    balanced = torch.tensor([[1.0, -1.0, 1.0, -1.0]])  # what the base makes of it is 0
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert float(base(balanced).abs().max()) == 0.0
        assert adapter(balanced).tolist()[0] == pytest.approx([1e-4] * 4, rel=0.01)


def test_dora_changes_directions_and_keeps_the_magnitudes_until_they_are_trained() -> None:
    import torch

    from training.engine.adapters.dropping import Dropping
    from training.engine.adapters.weights import DoraAdapter, norms

    torch.manual_seed(0)
    base = torch.nn.Conv2d(6, 10, 3).requires_grad_(requires_grad=False)
    adapter = DoraAdapter(base, rank=2, alpha=1.0, dropping=Dropping())
    assert adapter.tensors["dora_scale"].shape == (1, 6, 1, 1)
    with torch.no_grad():
        adapter.tensors["lora_up__weight"].normal_()
    weight = adapter.changed_weight()
    assert not torch.allclose(weight, base.weight, atol=1e-2)
    assert torch.allclose(norms(weight, 1), norms(base.weight, 1), rtol=1e-5)


def test_dropped_ranks_and_modules_average_to_the_whole_adapter() -> None:
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from training.engine.adapters.dropping import Dropping, DroppingAdapter

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8)).requires_grad_(requires_grad=False)
    inject_adapter_in_model(LoraConfig(r=4, lora_alpha=4, target_modules=["0"]), model, "default")
    layer: Any = model[0]
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    x = torch.randn(1, 3, 8)
    whole, base = layer(x).detach(), layer.base_layer(x).detach()
    ranks = DroppingAdapter(layer, "default", Dropping(ranks=0.5)).train()
    mean = torch.stack([ranks(x) for _ in range(3000)]).mean(0)
    assert torch.allclose(mean, whole, atol=0.15 * float((whole - base).abs().max()))
    modules = DroppingAdapter(layer, "default", Dropping(modules=0.25)).train()
    skipped = sum(torch.equal(modules(x), base) for _ in range(2000))
    assert 420 < skipped < 580
    assert torch.allclose(modules.eval()(x), whole, atol=1e-6)


def test_block_ranks_change_what_is_trained_and_keep_the_strength(
    base: Path, manifest: Path
) -> None:
    from training.engine.adapters.targets import unet_targets
    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose

    config = make_config(base, manifest)
    components = load_components(config, choose(Machine(cuda=False)))
    network = NetworkConfig(dim=8, alpha=4, block_dims={"down_blocks.0": 2, "middle_block": 0})
    targets = unet_targets(components, network)
    ranks = {t.path.split(".attentions")[0]: (t.rank, t.alpha) for t in targets}
    assert ranks == {"down_blocks.0": (2, 1.0), "up_blocks.1": (8, 4.0)}
    nothing = {"down_blocks": 0, "up_blocks": 0, "mid_block": 0}
    with pytest.raises(ConfigError, match="every layer"):
        unet_targets(components, NetworkConfig(block_dims=nothing))


@pytest.mark.parametrize("block", ["down_blocks.7", "down_blocks.0.atentions", "output_blocks.11"])
def test_a_rank_for_a_part_that_the_base_has_not_is_refused(
    block: str, base: Path, manifest: Path
) -> None:
    from training.engine.adapters.targets import unet_targets
    from training.engine.components import load_components
    from training.engine.machine.precision import Machine, choose

    components = load_components(make_config(base, manifest), choose(Machine(cuda=False)))
    network = NetworkConfig(block_dims={"up_blocks.1.attentions": 2, "input_blocks.0": 4, block: 2})
    with pytest.raises(ConfigError) as told:
        unet_targets(components, network)
    assert f"{block!r}, and the UNet" in str(told.value)
    assert "blocks are down_blocks.0, down_blocks.1, " in str(told.value)


def test_a_misspelt_part_of_a_unet_is_refused_before_any_base_is_read() -> None:
    for named in ({"donw_blocks.1": 2}, {"lora_unet_down_blocks.1": 2}):
        with pytest.raises(ConfigError, match=r"network.block_dims: .*; down_blocks is meant"):
            TrainConfig.parse({"network": {"block_dims": named}})
    with pytest.raises(ConfigError, match="no part of a UNet is called ''"):
        TrainConfig.parse({"network": {"block_dims": {"": 2}}})


def test_kohyas_ranks_of_too_few_or_too_many_blocks_are_told_with_the_right_number() -> None:
    for count in (24, 26):
        found, (sentence,) = read_network_arguments([f"block_dims={','.join(['4'] * count)}"])
        assert found == {}
        assert f"has {count} figures" in sentence
        assert "25, one for each block of SD 1 and 2, or 23 for SDXL" in sentence
    dims, alphas = ",".join(["4"] * 25), ",".join(["1"] * 23)
    _, (sentence,) = read_network_arguments([f"block_dims={dims}", f"block_alphas={alphas}"])
    assert "block_alphas has 23 figures for 25 blocks" in sentence


def test_kinds_that_do_not_go_together_are_refused() -> None:
    for network in ({"algorithm": "loha", "decompose": True}, {"decompose": True, "dropout": 0.1}):
        with pytest.raises(ConfigError, match="network"):
            TrainConfig.parse({"network": network})


def test_network_arguments_go_out_to_kohya_and_come_back() -> None:
    for settings in (
        {"dim": 8, "algorithm": "lokr", "lokr_factor": 8, "rank_dropout": 0.1},
        {"dim": 8, "decompose": True, "module_dropout": 0.2},
        {"dim": 8, "decompose": True, "decompose_outputs": True, "conv_dim": 2, "conv_alpha": 1.0},
        {"dim": 8, "conv_dim": 4, "conv_alpha": 2.0},
    ):
        network = NetworkConfig(**settings)
        arguments = [f"{name}={value}" for name, value in network_arguments(network).items()]
        found, report = read_network_arguments(
            arguments, module=network_module(network), dim=8, alpha=4.0
        )
        assert report == []
        assert NetworkConfig(dim=8, **found) == network
    _, report = read_network_arguments(["block_dims=1,2", "algo=oft", "preset=attn-only"])
    assert len(report) == 3


def test_block_ranks_go_out_with_their_alphas_and_come_back_for_sdxl_too() -> None:
    network = NetworkConfig(
        dim=8, alpha=4.0, block_dims={"input_blocks.4": 2, "middle_block.1": 16}
    )
    arguments = network_arguments(network, xl=True)
    assert arguments["block_dims"].split(",")[5] == "2"
    assert arguments["block_alphas"].split(",")[5] == "1"
    assert arguments["block_alphas"].split(",")[11] == "8"
    both = [f"{name}={value}" for name, value in arguments.items()]
    found, report = read_network_arguments(both, dim=8, alpha=4.0)
    assert (len(found["block_dims"]), found["block_dims"]["output_blocks.8"]) == (23, 8)
    assert report == []
    found, report = read_network_arguments(both[:1], dim=8, alpha=4.0)  # kohya: alpha 4 everywhere
    assert "alphas of their own" in report[0]
    found, _ = read_network_arguments(["block_dims=" + ",".join(str(n) for n in range(25))])
    assert found["block_dims"]["middle_block"] == 12
    assert found["block_dims"]["output_blocks.11"] == 24


def test_what_arguments_leave_out_is_what_their_module_does() -> None:
    """As create_network of networks/lora.py and of lycoris/kohya.py (4.1.3) have it."""
    found, _ = read_network_arguments(["conv_dim=4"], dim=8, alpha=4.0)
    assert found == {"conv_dim": 4, "conv_alpha": 1.0}
    found, _ = read_network_arguments(["algo=loha"], module="lycoris.kohya", dim=8, alpha=4.0)
    assert found == {"algorithm": "loha", "conv_dim": 8, "conv_alpha": 4.0}
    found, report = read_network_arguments(
        ["algo=lora", "dora_wd=True", "preset=attn-mlp"], module="lycoris.kohya", dim=8
    )
    assert found["decompose_outputs"] is True
    assert (found["conv_dim"], report) == (0, [])
