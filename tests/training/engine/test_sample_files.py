"""Files that the sample prompts of a run name act beside the weights, and leave no trace."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from hub.formats.generation.a1111 import parse_infotext
from tests.factories.engine import Recorder, make_config
from training.engine.adapters.beginning import shaped_as_its_file
from training.engine.commands.arguments import weighted_file
from training.engine.components import Components, load_components
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.events import NoControl
from training.engine.files.file_writing import tensor_hash
from training.engine.machine.precision import Machine, choose
from training.engine.methods import make_method
from training.engine.methods.hypernetwork import ContextNetwork, attentions_of, change_projections
from training.engine.packed_convolution import pack_frozen_convolutions
from training.engine.runs import aside
from training.engine.runs.loop import train
from training.engine.samples.applying import AppliedFile, applied, put_into
from training.engine.samples.places import places_by_name
from training.engine.samples.resource_library import PromptFiles, ResourceLibrary
from training.engine.shelf import Shelf
from training.engine.text import TextConditioner

pytestmark = pytest.mark.engine
LINEAR = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
CONTEXT = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
WIDE = "lora_unet_down_blocks_0_resnets_0_conv1"
HALVING = "lora_unet_down_blocks_0_downsamplers_0_conv"
POINT = "lora_unet_down_blocks_0_attentions_0_proj_in"
NORM = "lora_unet_down_blocks_0_resnets_0_norm1"
TEXT = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
PRODUCTS = (LINEAR, CONTEXT, WIDE, HALVING, POINT, TEXT)


KEPT = Shelf()  # the base is read once; what a test writes into its weights it takes back


def loaded(base: Path, manifest: Path, method: str = "lora") -> Components:
    config, precision = make_config(base, manifest, method), choose(Machine(cuda=False))
    return load_components(config, precision, None if method == "dreambooth" else KEPT)


def product(weight: torch.Tensor, rank: int, draws: torch.Generator) -> dict[str, torch.Tensor]:
    outside, *inside = weight.shape
    ones = (1,) * (len(inside) - 1)
    return {
        "lora_down.weight": torch.randn(rank, *inside, generator=draws),
        "lora_up.weight": torch.randn(outside, rank, *ones, generator=draws),
        "alpha": torch.tensor(1.0),
    }


def of_norms(weight: torch.Tensor, draws: torch.Generator) -> dict[str, torch.Tensor]:
    return {name: torch.randn(weight.shape, generator=draws) for name in ("w_norm", "b_norm")}


def of_sizes(weight: torch.Tensor, draws: torch.Generator) -> dict[str, torch.Tensor]:
    lengths = torch.rand(len(weight), *(1,) * (weight.ndim - 1), generator=draws) + 0.5
    return {**product(weight, 2, draws), "dora_scale": lengths}


def of_two_products(weight: torch.Tensor, draws: torch.Generator) -> dict[str, torch.Tensor]:
    outside, inside = weight.flatten(1).shape
    shapes = {"hada_w1_a": (outside, 2), "hada_w1_b": (2, inside)}
    shapes |= {"hada_w2_a": (outside, 2), "hada_w2_b": (2, inside)}
    return {name: torch.randn(shape, generator=draws) for name, shape in shapes.items()}


def with_bias(weight: torch.Tensor, draws: torch.Generator) -> dict[str, torch.Tensor]:
    return {**product(weight, 2, draws), "diff_b": torch.randn(len(weight), generator=draws)}


Form = Callable[[torch.Tensor, torch.Generator], dict[str, torch.Tensor]]
FORMS: dict[str, dict[str, Form]] = {
    "products": dict.fromkeys(PRODUCTS, lambda weight, draws: product(weight, 3, draws)),
    "norms and sizes": {NORM: of_norms, LINEAR: of_sizes, WIDE: of_sizes, TEXT: of_two_products},
    "biases": {WIDE: with_bias, TEXT: with_bias},
}


def write_file(path: Path, components: Components, form: str = "products") -> Path:
    """A LoRA strong enough to be seen, of layers of all kinds."""
    draws, places = torch.Generator().manual_seed(len(path.stem)), places_by_name(components)
    tensors = {
        f"{name}.{part}": tensor.contiguous()
        for name, make in FORMS[form].items()
        for part, tensor in make(places[name].layer.weight.detach(), draws).items()
    }
    save_file(tensors, path)
    return path


@torch.no_grad()
def outputs(components: Components, text: str = "a red thing") -> list[torch.Tensor]:
    """What text encoder and UNet make of fixed inputs."""
    read = TextConditioner(components).encode([text]).embeddings
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    return [read, components.unet(noise, torch.tensor(300), encoder_hidden_states=read).sample]


def modules_of(components: Components) -> list[int]:
    return [id(m) for part in components.modules() for m in part.modules()]


def close(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(
        float((a - b).abs().max()) < 1e-4 * float(b.abs().max())
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("form", FORMS)
def test_beside_the_weights_a_file_does_what_it_does_in_them_and_leaves_no_trace(
    form: str, base: Path, manifest: Path, tmp_path: Path
) -> None:
    components = loaded(base, manifest)
    first = write_file(tmp_path / "a.safetensors", components, form)
    second = write_file(tmp_path / "bb.safetensors", components, form)
    files = [AppliedFile(first, 0.7), AppliedFile(second, -0.4, text_weight=0.3)]
    before, modules = outputs(components), modules_of(components)
    with applied(components, files):
        in_weights = outputs(components)
    with applied(components, files, beside=True):
        beside = outputs(components)
    assert close(beside, in_weights)
    assert not close(beside, before)
    assert modules_of(components) == modules
    assert all(torch.equal(a, b) for a, b in zip(outputs(components), before, strict=True))


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": ("lora", {"train_text_encoder": True, "network": {"dim": 2, "conv_dim": 2}}),
    "lora that drops": ("lora", {"network": {"dim": 2, "dropout": 0.5}}),
    "dora": ("lora", {"network": {"dim": 2, "decompose": True}}),
    "hypernetwork": ("hypernetwork", {}),
    "embedding": ("textual_inversion", {}),
    "checkpoint": ("dreambooth", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_acts_on_what_is_trained_with_whatever_stands_in_the_layers_places(
    case: str, base: Path, manifest: Path, tmp_path: Path
) -> None:
    method_name, changes = CASES[case]
    config = make_config(base, manifest, method_name, **changes).resolved()
    components, method = loaded(base, manifest, method_name), make_method(config)
    path = write_file(tmp_path / "ink.safetensors", components)
    method.install(components)
    method.set_training(training=False)
    draws = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in method.named_parameters().values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=draws))
    kept = {name: value.detach().clone() for name, value in method.named_parameters().items()}
    pack_frozen_convolutions(components.unet)
    before = outputs(components, "a red <thing>")
    with applied(components, [AppliedFile(path, 0.5)], beside=True):
        beside = outputs(components, "a red <thing>")
    assert not close(beside, before)
    after = outputs(components, "a red <thing>")
    assert all(torch.equal(one, other) for one, other in zip(after, before, strict=True))
    assert all(torch.equal(kept[n], p) for n, p in method.named_parameters().items())

    again, method = loaded(base, manifest, method_name), make_method(config)
    if case == "checkpoint":
        method.install(again)
        method.load_state_dict(kept)
    with applied(again, [AppliedFile(path, 0.5)]):  # nothing stands in the layers' places yet
        if case != "checkpoint":
            method.install(again)
            method.set_training(training=False)
            method.load_state_dict(kept)
        assert close(beside, outputs(again, "a red <thing>"))


def test_a_file_of_another_base_or_shape_is_refused_and_nothing_stays_changed(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    components = loaded(base, manifest)
    modules = modules_of(components)
    path = tmp_path / "wide.safetensors"
    draws = torch.Generator().manual_seed(0)
    fits = product(places_by_name(components)[LINEAR].layer.weight, 2, draws)
    wrong = {f"{LINEAR}.{part}": tensor for part, tensor in fits.items()}
    wrong |= {f"{POINT}.{part}": t for part, t in product(torch.ones(3, 5), 2, draws).items()}
    save_file(wrong, path)
    with (
        pytest.raises(ConfigError, match="cannot be used"),
        applied(components, [AppliedFile(path)], beside=True),
    ):
        pass
    assert modules_of(components) == modules


def test_a_hypernetwork_acts_on_layers_that_others_stand_in_place_of(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    components = loaded(base, manifest)
    path = write_file(tmp_path / "ink.safetensors", components)
    settings = make_config(base, manifest).hypernetwork
    pair = (ContextNetwork(16, settings), ContextNetwork(16, settings))
    with applied(components, [AppliedFile(path)], beside=True):
        undo = change_projections(components.unet, {16: pair})
        both = outputs(components)
        undo()
    undo = change_projections(components.unet, {16: pair})
    with applied(components, [AppliedFile(path)]):  # found behind the hypernetwork too
        assert close(both, outputs(components))
    undo()


@pytest.mark.parametrize("beside", [False, True])
def test_the_first_of_two_hypernetworks_changes_the_context_first(
    beside: bool, base: Path, manifest: Path, tmp_path: Path
) -> None:
    """As `apply_hypernetworks` of A1111: each gets what the one before it in the prompt made."""
    components = loaded(base, manifest)
    settings = make_config(base, manifest).hypernetwork
    files, networks = [], []
    for name in ("first", "second"):
        pair = (ContextNetwork(16, settings), ContextNetwork(16, settings))
        for network in pair:
            for weight in network.parameters():
                torch.nn.init.normal_(weight, std=0.5)
        states = tuple(network.state_dict() for network in pair)
        data = {16: states, "layer_structure": [1, 2, 1], "activation_func": "swish"}
        torch.save(data | {"activate_output": False}, tmp_path / f"{name}.pt")
        files.append(AppliedFile(tmp_path / f"{name}.pt"))
        networks.append(pair)
    lora = AppliedFile(write_file(tmp_path / "ink.safetensors", components))
    attention = next(a for a in attentions_of(components.unet) if a.to_k.in_features == 16)
    context = torch.randn(1, 5, 16)
    with torch.no_grad():
        with applied(components, [lora], beside=beside):
            (k1, v1), (k2, v2) = networks
            wanted = attention.to_k(k2(k1(context))), attention.to_v(v2(v1(context)))
        with applied(components, [files[0], lora, files[1]], beside=beside):
            found = attention.to_k(context), attention.to_v(context)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_name_without_a_file_is_told_and_what_is_learned_is_no_files(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    save_file({"emb_params": torch.zeros(2, 16)}, tmp_path / "thing.safetensors")
    library = ResourceLibrary([tmp_path], place="Put it there.")
    with pytest.raises(ConfigError, match=r"Known here: none\. Put it there\."):
        library.needed_by("a <lora:ink:0.7>")
    told: list[str] = []
    found = library.needed_by("a Thing <lora:ink:0.7> <lora:>", on_missing=told.append)
    assert "the lora ink" in told[0]
    assert found.idle == ("<lora:ink:0.7>", "<lora:>")
    assert found.shown("a Thing <lora:ink:0.7>") == "a Thing "
    assert [file.path.stem for file in found.files] == ["thing"]
    assert library.needed_by("a Thing", learned=["thing"]) == PromptFiles()
    write_file(tmp_path / "ink.safetensors", loaded(base, manifest))
    for strength in ("x", "nan", "1:inf"):
        with pytest.raises(ConfigError, match="is no number"):
            ResourceLibrary([tmp_path]).needed_by(f"a <lora:ink:{strength}>")
    (tmp_path / "text.safetensors").write_text("no file of tensors")
    with pytest.raises(ConfigError, match="cannot be read"):
        library.resource(AppliedFile(tmp_path / "text.safetensors"))
    with pytest.raises(argparse.ArgumentTypeError, match="no finite number"):
        weighted_file("ink.safetensors:nan")


@pytest.fixture(scope="module")
def hash_without(base: Path, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the run below trains without any samples."""
    folder = tmp_path_factory.mktemp("without")
    result = train(
        make_config(base, manifest, max_steps=2), run_dir=folder, listener=Recorder(),
        control=NoControl(), cache_dir=folder / "cache",
    )  # fmt: skip
    assert result.path is not None
    return tensor_hash(result.path)


@pytest.mark.parametrize("share", [0.25, 0.0], ids=["beside the steps", "between them"])
def test_samples_of_a_run_show_the_files_that_they_name_and_the_weights_are_the_same(
    share: float,
    hash_without: str,
    base: Path,
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aside, "SHARE_OF_MEMORY", share)
    library = tmp_path / "library"
    library.mkdir()
    ink = write_file(library / "ink.safetensors", loaded(base, manifest))
    save_file({"lora_unet_none.lora_down.weight": torch.ones(1, 1)}, library / "other.safetensors")
    line = "a thing --d 3 --l 2 --s 2"
    names = ("ink", "other", "absent")
    more = [line.replace(" --d", f" <lora:{name}:0.7> --d", 1) for name in names]
    config = make_config(
        base, manifest, max_steps=2, sample_every_steps=1, sample_prompts=[line, *more],
        sampling={"steps": 2, "library": [str(library)]},
    )  # fmt: skip
    recorder = Recorder()
    result = train(
        config, run_dir=tmp_path, listener=recorder, control=NoControl(), cache_dir=tmp_path / "c"
    )
    assert result.path is not None
    assert tensor_hash(result.path) == hash_without
    pictures = []
    for number in range(4):
        with Image.open(tmp_path / f"samples/s000001-p{number:02d}.png") as opened:
            pictures.append(np.asarray(opened))
            data = parse_infotext(opened.info["parameters"])
        named = [r for r in data.resources if r.name == "ink"]
        assert [(r.weight, r.hash) for r in named] == (
            [(0.7, tensor_hash(ink)[:12])] if number == 1 else []
        )
        assert "other" not in data.prompt
        assert "absent" not in data.prompt
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] == pictures[2]).all()
    assert (pictures[0] == pictures[3]).all()
    told = {w.message for w in recorder.of("warned") if w.code == "networks_left_out"}
    assert any("the lora absent" in sentence for sentence in told)
    assert any("other.safetensors was made for another kind" in sentence for sentence in told)


def test_a_file_put_into_the_base_acts_for_good_and_caches_know_the_weights_apart(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    components = loaded(base, manifest, "dreambooth")  # with weights of its own
    path = write_file(tmp_path / "ink.safetensors", components)
    components.sha256 = "a" * 64
    assert components.identity == "a" * 64
    with applied(components, [AppliedFile(path, 0.5)]):
        expected = outputs(components)
    put_into(components, [AppliedFile(path, 0.5)])
    assert all(torch.equal(a, b) for a, b in zip(outputs(components), expected, strict=True))
    assert components.identity == f"{'a' * 64} {tensor_hash(path)}:0.5"
    save_file({"emb_params": torch.zeros(2, 16)}, tmp_path / "word.safetensors")
    with pytest.raises(ConfigError, match="is no LoRA"):
        put_into(components, [AppliedFile(tmp_path / "word.safetensors")])
    with pytest.raises(ConfigError, match="merge-lora"):
        make_config(base, manifest, "dreambooth", base_weights=["ink.safetensors"])


def test_a_lora_can_have_the_ranks_of_the_file_that_it_goes_on_from(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    path = tmp_path / "first.safetensors"
    components = loaded(base, manifest)
    draws, tensors = torch.Generator().manual_seed(0), {}
    for name, rank in ((LINEAR, 3), (POINT, 3), (WIDE, 2)):
        weight = places_by_name(components)[name].layer.weight.detach()
        parts = product(weight, rank, draws)
        tensors |= {f"{name}.{part}": tensor.contiguous() for part, tensor in parts.items()}
    save_file(tensors, path)
    given = {"initial_weights": str(path), "network": {"dim": 8, "dim_from_weights": True}}
    config = shaped_as_its_file(make_config(base, manifest, **given))
    assert (config.network.dim, config.network.alpha) == (3, 1.0)
    method = make_method(config.resolved())
    method.install(components)
    method.begin_with(path)
    own = method.named_parameters()
    assert {name: tuple(p.shape) for name, p in own.items()} == {
        name: tuple(tensor.shape) for name, tensor in tensors.items() if "alpha" not in name
    }
    assert all(torch.equal(own[name], tensors[name]) for name in own)
    beginning = outputs(components)
    with applied(again := loaded(base, manifest), [AppliedFile(path)]):
        assert close(beginning, outputs(again))
    with pytest.raises(ConfigError, match="initial_weights"):
        make_config(base, manifest, network={"dim_from_weights": True})


def test_what_prompts_have_no_word_for_is_not_named_in_a_sample() -> None:
    from training.engine.samples.preview import TrainedFile, generation_data
    from training.engine.samples.prompts import parse_prompt

    config = TrainConfig().resolved()
    base: Any = SimpleNamespace(name="Base", sha256="1" * 64)
    request = parse_prompt("a cat", config)
    data = generation_data(request, base, config, TrainedFile("one", "0" * 64, "of a fifth method"))
    assert (data.prompt, data.resources, data.hashes) == ("a cat", (), {"model": "1" * 10})
