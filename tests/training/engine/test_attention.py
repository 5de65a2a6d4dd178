"""Both forms of attention are one function: values, gradients, and twenty steps of training."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories.engine import train_20_steps
from training.engine import attention

pytestmark = pytest.mark.engine


def test_plain_attention_trains_as_the_fused_one_over_20_steps(
    base: Path, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused = train_20_steps(base, manifest, tmp_path / "fused")
    calls = []
    plain = attention.plain_attention
    monkeypatch.setattr(attention, "plain_pays", lambda *_: True)
    monkeypatch.setattr(
        attention,
        "plain_attention",
        lambda q, k, v, **options: calls.append(options) or plain(q, k, v, **options),
    )
    changed = train_20_steps(base, manifest, tmp_path / "plain")
    assert {call["causal"] for call in calls} == {True, False}  # of texts, and of the UNet
    assert changed[0] == pytest.approx(fused[0], rel=1e-4)
    assert changed[1] == pytest.approx(fused[1], rel=1e-4)
    assert len(set(fused[0])) == 20


@pytest.mark.parametrize(
    ("queries", "keys", "width", "causal"),
    [(256, 256, 8, False), (64, 77, 24, False), (16, 16, 32, False), (77, 77, 8, True)],
)
def test_plain_attention_has_the_value_and_gradients_of_torchs_own(
    queries: int, keys: int, width: int, causal: bool
) -> None:
    import torch

    torch.manual_seed(0)
    given = [torch.randn(2, 3, length, width) for length in (queries, keys, keys)]
    results = []
    for most in (0, 2**30):
        q, k, v = (tensor.clone().requires_grad_() for tensor in given)
        out = attention.attend(q, k, v, plain_scores=most, causal=causal)
        out.square().sum().backward()
        results.append([out.detach(), q.grad, k.grad, v.grad])
    for expected, got in zip(*results, strict=True):
        assert torch.allclose(expected, got, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_a_map_over_the_limit_is_left_to_the_fused_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the plain form was used")

    monkeypatch.setattr(attention, "plain_attention", never)
    query, key, value = (torch.randn(1, 2, 8, 16) for _ in range(3))
    attention.attend(query, key, value, plain_scores=2 * 8 * 8 - 1)
    with pytest.raises(AssertionError, match="plain form"):
        attention.attend(query, key, value, plain_scores=2 * 8 * 8)


@pytest.mark.parametrize(
    ("device", "compute", "plain"),
    [
        ("cpu", "bf16", True),
        ("cpu", "fp32", False),
        ("cuda", "bf16", False),
        ("cuda", "fp16", False),
    ],
)
def test_only_bf16_on_a_cpu_takes_the_plain_form(device: str, compute: str, plain: bool) -> None:
    assert attention.plain_pays(device, compute) is plain
