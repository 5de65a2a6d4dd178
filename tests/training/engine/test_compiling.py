"""When the UNet is compiled, and that its values stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories.engine import Recorder, make_config
from training.engine.events import NoControl
from training.engine.machine.compiling import compile_unet, missing_for_compiling, plainly
from training.engine.runs.loop import train

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("device", "package", "program", "lacks"),
    [
        ("cuda", True, False, ""),
        ("cuda", False, True, "triton"),
        ("cpu", False, True, ""),
        ("cpu", True, False, "compiler"),
    ],
)
def test_what_a_machine_lacks_is_named(
    device: str, package: bool, program: bool, lacks: str
) -> None:
    found = missing_for_compiling(
        device, has_package=lambda _: package, has_program=lambda _: program
    )
    assert lacks in found
    assert bool(found) == bool(lacks)


def test_a_compiled_module_keeps_its_names_and_values_and_can_be_asked_to_run_plainly() -> None:
    import torch

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.silu(self.inner(x))

    module, x = Small(), torch.randn(3, 4)
    names, before = list(module.state_dict()), module(x)
    compiled = []

    def backend(graph: torch.fx.GraphModule, _: object) -> object:
        compiled.append(graph)
        return graph.forward

    compile_unet(module, backend=backend)  # type: ignore[arg-type]
    with plainly():
        assert torch.equal(module(x), before)
    assert not compiled
    assert torch.allclose(module(x), before)
    assert len(compiled) == 1
    assert list(module.state_dict()) == names


def test_a_run_that_cannot_compile_says_why_and_goes_on(
    base: Path, manifest: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    recorder = Recorder()
    config = make_config(base, manifest, max_steps=1, compile=True)
    train(config, run_dir=tmp_path, listener=recorder, control=NoControl(), cache_dir=cache)
    assert "C++ compiler" in recorder.of("warned")[0].message
    assert recorder.of("finished")
