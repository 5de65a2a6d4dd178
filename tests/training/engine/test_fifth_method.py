"""A method more is one file: it is found by its name, configured, trained, resumed and exported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.factories.engine import Killed, Orders, Recorder, make_config
from training.engine import methods
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.events import Control, NoControl
from training.engine.kohya.writing import to_kohya
from training.engine.method_names import method_names
from training.engine.methods import make_method
from training.engine.runs.loop import TrainResult, train

pytestmark = pytest.mark.engine

BUILT_IN = ("lora", "dreambooth", "textual_inversion", "hypernetwork")
BIASES = '''
"""BitFit: of the UNet's linear layers only the biases are trained."""

from functools import partial
from typing import ClassVar

from torch import nn

from training.engine.config.sections import Section, setting
from training.engine.files.lazy_tensors import save_tensors
from training.engine.method import Method, for_saving, saved_dtype
from training.engine.optimizers.optim import ParamGroup


class BiasSettings(Section):
    """Which biases."""

    within: str = setting("", "Part of the layers' paths.")


class BiasMethod(Method):
    """Trains biases."""

    component: ClassVar[str] = "biases"
    changes_base: ClassVar[bool] = True
    spec: ClassVar[str | None] = "/biases"
    own_settings: ClassVar[type[Section] | None] = BiasSettings
    settings: BiasSettings

    def install(self, components):
        self._biases = {
            f"{path}.bias": layer.bias
            for path, layer in components.unet.named_modules()
            if isinstance(layer, nn.Linear) and layer.bias is not None
            if self.settings.within in path
        }
        components.unet.requires_grad_(False)
        for bias in self._biases.values():
            bias.requires_grad_(True)

    def named_parameters(self):
        return self._biases

    def param_groups(self):
        return [ParamGroup("biases", list(self._biases.values()))]

    def file_of_now(self, info):
        dtype = saved_dtype(self.config)
        tensors = {name: for_saving(bias, dtype) for name, bias in self._biases.items()}
        return partial(save_tensors, tensors=tensors, metadata=info.metadata)
'''


@pytest.fixture(autouse=True)
def own_method(tmp_path: Path) -> Iterator[None]:
    """The one file, in a folder that counts as the methods'."""
    folder = tmp_path / "methods"
    folder.mkdir()
    (folder / "biases.py").write_text(BIASES, encoding="utf-8")
    (folder / "empty.py").write_text("", encoding="utf-8")
    methods.__path__.append(str(folder))
    yield
    methods.__path__.remove(str(folder))
    sys.modules.pop("training.engine.methods.biases", None)


def test_one_file_trains_draws_and_goes_on_after_a_kill_to_the_same_bytes(
    base: Path, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1735689600")
    config = make_config(
        base,
        manifest,
        "biases",
        method_settings={"within": "attentions"},
        sample_prompts=["a red thing --s 1"],
        sample_every_steps=3,
    )

    def run(name: str, recorder: Recorder, control: Control) -> TrainResult:
        return train(
            config,
            run_dir=tmp_path / name,
            listener=recorder,
            control=control,
            cache_dir=tmp_path / "cache",
        )

    told = Recorder()
    straight = run("straight", told, NoControl()).path
    with pytest.raises(Killed):
        run("killed", Recorder(kill_at_step=4), Orders(save=2))
    resumed = run("killed", Recorder(), NoControl()).path
    assert straight is not None
    assert resumed is not None
    assert straight.read_bytes() == resumed.read_bytes()
    assert len(told.of("previewed")) == 2
    with safe_open(straight, "pt") as file:
        names, header = list(file.keys()), file.metadata()
    assert names
    assert all("attentions" in name and name.endswith(".bias") for name in names)
    assert header["atelier.method"] == "biases"
    assert header["modelspec.architecture"].endswith("/biases")


def test_its_name_is_a_choice_and_its_own_settings_are_checked() -> None:
    assert set(method_names()) == {*BUILT_IN, "biases", "empty"}
    with pytest.raises(ConfigError, match=r"method 'bitfit' is unknown. There are lora, biases, "):
        TrainConfig.parse({"method": "bitfit"})
    config = TrainConfig.parse({"method": "biases", "method_settings": {"inside": "attn"}})
    with pytest.raises(ConfigError, match=r"method_settings\.inside: there is no such setting"):
        make_method(config)
    with pytest.raises(ConfigError, match="do not train by the method biases"):
        to_kohya(config)
    with pytest.raises(TypeError, match=r"empty\.py has to hold one Method, and holds 0"):
        make_method(TrainConfig.parse({"method": "empty"}))


@pytest.mark.parametrize("method", BUILT_IN)
def test_a_method_without_settings_of_its_own_takes_none(method: str) -> None:
    config = TrainConfig.parse({"method": method, "method_settings": {"within": "attn"}})
    with pytest.raises(ConfigError, match=r"method_settings\.within: there is no such setting"):
        make_method(config)
