"""The fused arithmetic of adapters against peft's own, and the limits that a LoRA keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories.engine import Recorder, make_config, train_20_steps
from training.engine import products
from training.engine.events import NoControl
from training.engine.methods import lora
from training.engine.runs.loop import train

pytestmark = pytest.mark.engine


WITH_CONVOLUTIONS = {
    "train_text_encoder": False,
    "network": {"dim": 4, "alpha": 2.0, "conv_dim": 4, "conv_alpha": 2.0},
}


@pytest.mark.parametrize("changes", [{}, WITH_CONVOLUTIONS], ids=["text encoder", "convolutions"])
def test_fused_adapters_train_as_pefts_do_over_20_steps(
    base: Path,
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
) -> None:
    with monkeypatch.context() as patch:  # all products as large weights have them
        for name in ("LEAST_VALUES", "LEAST_VALUES_OF_A_LAYER", "LONGER"):
            patch.setattr(products, name, 1)
        patch.setattr("training.engine.machine.memory.ROOM_FOR_TURNED_COPIES", 0)
        fused = train_20_steps(base, manifest, tmp_path / "fused", **changes)
    monkeypatch.setattr(lora, "can_be_fused", lambda _: False)
    plain = train_20_steps(base, manifest, tmp_path / "peft", **changes)
    assert fused[0] == pytest.approx(plain[0], rel=1e-4)
    assert fused[1] == pytest.approx(plain[1], rel=1e-4)
    assert len(set(plain[0])) == 20


@pytest.mark.parametrize("tokens", [3, 300])
@pytest.mark.parametrize("kind", ["linear", "without bias", "pointwise", "pointwise, bare"])
def test_one_fused_layer_has_pefts_value_and_gradients(tokens: int, kind: str) -> None:
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from training.engine.adapters.fused import FusedAdapter, initialise

    torch.manual_seed(0)
    base: torch.nn.Linear | torch.nn.Conv2d = torch.nn.Linear(24, 40, bias=kind == "linear")
    shape: tuple[int, ...] = (2, tokens, 24)
    if "pointwise" in kind:
        base, shape = torch.nn.Conv2d(24, 40, 1, bias="bare" not in kind), (2, 24, 3, tokens)
    base.requires_grad_(False)
    model = torch.nn.Sequential(base)
    inject_adapter_in_model(LoraConfig(r=4, lora_alpha=3, target_modules=["0"]), model, "default")
    layer = model[0]
    fused = FusedAdapter(base, 4, 3)
    initialise(fused.down, 7)
    with torch.no_grad():
        layer.lora_A["default"].weight.copy_(fused.down)
        layer.lora_B["default"].weight.normal_()
        fused.up.copy_(layer.lora_B["default"].weight)
    theirs = [layer.lora_A["default"].weight, layer.lora_B["default"].weight]
    results = []
    for forward, parameters in ((layer, theirs), (fused, [fused.down, fused.up])):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        x.requires_grad_()
        y = forward(x)
        y.square().sum().backward()
        results.append([y.detach(), x.grad, *(p.grad.clone() for p in parameters)])
    for expected, got in zip(*results, strict=True):
        assert torch.allclose(expected, got, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_no_adapter_grows_beyond_the_norm_that_was_set(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    config = make_config(
        base, manifest, learning_rate=0.5, network={"dim": 4, "alpha": 2.0, "max_norm": 0.25}
    )
    result = train(
        config,
        run_dir=tmp_path,
        listener=Recorder(),
        control=NoControl(),
        cache_dir=tmp_path / "cache",
    )
    assert result.path is not None
    tensors = load_file(result.path)
    names = {name.rsplit(".lora_", 1)[0] for name in tensors if ".lora_" in name}
    norms = [
        float(
            torch.linalg.matrix_norm(
                tensors[f"{name}.lora_up.weight"].flatten(1)
                @ tensors[f"{name}.lora_down.weight"].flatten(1)
            )
        )
        * 0.5
        for name in names
    ]
    assert max(norms) <= 0.2501
    assert max(norms) > 0.2


@pytest.mark.parametrize("method", ["lora", "textual_inversion", "hypernetwork", "dreambooth"])
def test_in_mixed_precision_what_is_trained_and_the_vae_stay_in_float32(
    method: str, base: Path, manifest: Path
) -> None:
    import torch

    from training.engine.components import load_components
    from training.engine.machine.precision import Precision
    from training.engine.methods import make_method
    from training.engine.text import TextConditioner

    config = make_config(base, manifest, method, train_text_encoder=True).resolved()
    mixed = Precision(
        device="cpu", compute="bf16", use_scaler=False, threads=1, checkpointing=False
    )
    trained = make_method(config)
    components = load_components(config, mixed, is_changed=trained.changes_base)
    trained.install(components)
    conditioner = TextConditioner(components)
    conditioner.frozen = not trained.trains_text
    with components.autocast():
        text = conditioner.encode(["a red <thing>"])
        prediction = components.unet(
            torch.randn(1, 4, 16, 16),
            torch.tensor([500]),
            encoder_hidden_states=text.embeddings,
        ).sample
    prediction.float().square().mean().backward()
    parameters = list(trained.named_parameters().values())
    assert {p.dtype for p in parameters} == {torch.float32}
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters)
    assert {p.dtype for p in components.vae.parameters()} == {torch.float32}
    expected = torch.float32 if method == "dreambooth" else torch.bfloat16
    assert components.unet.conv_in.weight.dtype == expected
