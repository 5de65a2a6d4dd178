"""The other forms of files: A1111's .pt, a diffusers folder, a checkpoint with its average."""

from __future__ import annotations

import pickle
import pickletools
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

from tests.factories.engine import make_config
from tests.training.engine.test_resume import run
from training.engine.components import load_components
from training.engine.errors import ConfigError
from training.engine.files.embedding_files import read_embedding
from training.engine.machine.precision import Machine, choose
from training.engine.samples.applying import AppliedFile, applied, kind_of_file

pytestmark = pytest.mark.engine


def embedding(base: Path, manifest: Path, folder: Path, cache: Path, file_format: str) -> Path:
    config = make_config(
        base,
        manifest,
        "textual_inversion",
        max_steps=2,
        textual_inversion={"token": "<thing>", "vectors": 3, "file_format": file_format},
    )
    path, _ = run(config, folder, cache)
    assert path is not None
    return path


def test_a_pt_embedding_is_a1111s_and_holds_the_same_vectors_as_the_other_form(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    import torch

    path = embedding(base, manifest, tmp_path / "pt", cache, "pt")
    other = embedding(base, manifest, tmp_path / "plain", cache, "safetensors")
    data = torch.load(path, weights_only=True)
    assert path.suffix == ".pt"
    assert data["string_to_token"] == {"*": 265}
    assert data["string_to_param"]["*"].shape == (3, 16)
    assert (data["name"], data["step"], data["sd_checkpoint_name"]) == ("thing", 2, "Random")
    assert torch.equal(data["string_to_param"]["*"], read_embedding(other)["emb_params"])
    assert torch.equal(read_embedding(path)["emb_params"], read_embedding(other)["emb_params"])
    assert kind_of_file(path) == "embedding"
    with zipfile.ZipFile(path) as archive:
        parts = {name.partition("/")[2] for name in archive.namelist()}
        assert parts == {"data.pkl", "data/0", "version"}  # A1111 refuses a file with any other
        (name,) = (item for item in archive.namelist() if item.endswith("data.pkl"))
        opcodes = {(op.name, arg) for op, arg, _ in pickletools.genops(archive.read(name))}
    named = {arg for name, arg in opcodes if name == "GLOBAL"}
    assert named <= {"torch._utils _rebuild_tensor_v2", "torch FloatStorage",
                     "collections OrderedDict"}  # fmt: skip


def test_a_pt_embedding_acts_by_its_file_name_and_one_with_code_is_refused(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    import torch

    from training.engine.text import TextConditioner

    path = embedding(base, manifest, tmp_path / "pt", cache, "pt")
    components = load_components(make_config(base, manifest), choose(Machine(cuda=False)))
    conditioner = TextConditioner(components)
    before = conditioner.encode(["a thing"]).embeddings
    conditioner.forget()
    with applied(components, [AppliedFile(path)]):
        assert not torch.equal(conditioner.encode(["a thing"]).embeddings, before)
    evil = tmp_path / "evil.pt"
    evil.write_bytes(pickle.dumps(print))
    with pytest.raises(ConfigError, match="without running code"):
        kind_of_file(evil)


def test_a_dreambooth_folder_loads_in_diffusers_with_the_weights_of_the_file(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    import torch
    from diffusers import StableDiffusionPipeline
    from safetensors.torch import load_file

    config = make_config(
        base,
        manifest,
        "dreambooth",
        train_text_encoder=True,
        max_steps=2,
        dreambooth={"diffusers_folder": True},
    )
    path, told = run(config, tmp_path, cache)
    assert path is not None
    folder = path.with_suffix("")
    pipe = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)
    single = load_file(path)
    weight = single["model.diffusion_model.input_blocks.0.0.weight"]
    assert torch.equal(pipe.unet.conv_in.weight, weight)
    table = single["cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"]
    assert torch.equal(pipe.text_encoder.get_input_embeddings().weight, table)
    assert [event.detail for event in told.of("stage") if event.stage == "exporting"] == ["thing"]
    assert not list(folder.parent.glob(".*"))


def test_a_checkpoint_with_its_average_holds_both_as_full_checkpoints_do(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    def unet(name: str, keep: str) -> dict[str, torch.Tensor]:
        ema = {"enabled": keep != "none", "decay": 0.9}
        if keep != "none":
            ema["keep"] = keep
        config = make_config(base, manifest, "dreambooth", learning_rate=1e-3, ema=ema)
        path, _ = run(config, tmp_path / name, cache)
        assert path is not None
        return load_file(path)

    plain, average, both = unet("a", "none"), unet("b", "average"), unet("c", "both")
    key = "model.diffusion_model.input_blocks.1.1.proj_in.weight"
    flat = "model_ema." + key.removeprefix("model.").replace(".", "")
    assert torch.equal(both[key], plain[key])
    assert torch.equal(both[flat], average[key])
    assert not torch.equal(plain[key], average[key])
    assert int(both["model_ema.num_updates"]) == 6
    unet_keys = [name for name in plain if name.startswith("model.diffusion_model.")]
    assert sum(name.startswith("model_ema.") for name in both) == len(unet_keys) + 2
    with pytest.raises(ConfigError, match="both"):
        make_config(base, manifest, "lora", ema={"enabled": True, "keep": "both"})


def test_a_pruned_checkpoint_keeps_the_parts_and_none_keeps_the_bases_average(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    from training.engine.checkpoint_layout import checkpoint_tensors

    components = load_components(make_config(base, manifest), choose(Machine(cuda=False)))
    file = tmp_path / "base.safetensors"
    extra = {
        "betas": torch.ones(3),
        "model_ema.decay": torch.tensor(0.9),
        "cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77),
    }
    save_file(extra, file)
    full = set(checkpoint_tensors(components, torch.float16, file))
    pruned = set(checkpoint_tensors(components, torch.float16, file, pruned=True))
    assert full - pruned == {"betas"}
    assert "model_ema.decay" not in full
    assert "cond_stage_model.transformer.text_model.embeddings.position_ids" in pruned


def test_embeddings_of_diffusers_and_onetrainer_are_read(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    numbers = torch.arange(6.0).view(2, 3)
    torch.save({"<cat>": numbers[0]}, tmp_path / "learned_embeds.bin")
    save_file({"emp_params": numbers}, tmp_path / "one.safetensors")
    for name, expected in (("learned_embeds.bin", numbers[:1]), ("one.safetensors", numbers)):
        assert kind_of_file(tmp_path / name) == "embedding"
        assert torch.equal(read_embedding(tmp_path / name)["emb_params"], expected)
    save_file({"emp_params": numbers, "emp_params_out": numbers + 1}, tmp_path / "two.safetensors")
    with pytest.raises(ConfigError, match="comes out of a text encoder"):
        read_embedding(tmp_path / "two.safetensors")


def test_a_lora_and_a_checkpoint_in_a_pickle_are_told_apart(tmp_path: Path) -> None:
    import torch

    torch.save({"unet.a.to_q.lora.down.weight": torch.zeros(1)}, tmp_path / "a.bin")
    model = {"model.diffusion_model.out.2.bias": torch.zeros(1), "b": torch.zeros(1)}
    torch.save({"state_dict": model}, tmp_path / "b.ckpt")
    assert [kind_of_file(tmp_path / name) for name in ("a.bin", "b.ckpt")] == ["lora", "checkpoint"]


def test_older_hypernetworks_of_a1111_are_read(tmp_path: Path) -> None:
    import torch

    from training.engine.samples.applying import load_hypernetwork

    torch.manual_seed(0)
    x = torch.randn(2, 16)
    plain = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.Linear(32, 16))
    old = {f"linear{int(n[0]) + 1}{n[1:]}": t for n, t in plain.state_dict().items()}
    torch.save({16: (old, old), "step": 1, "name": "old"}, tmp_path / "old.pt")
    keys, _ = load_hypernetwork(tmp_path / "old.pt", weight=0.5)[16]
    assert torch.allclose(keys(x), x + 0.5 * plain(x))

    dropping = torch.nn.Sequential(
        torch.nn.Linear(16, 32), torch.nn.Mish(), torch.nn.Dropout(0.3),
        torch.nn.Linear(32, 32), torch.nn.Mish(), torch.nn.Linear(32, 16),
    ).eval()  # fmt: skip
    state = {f"linear.{name}": tensor for name, tensor in dropping.state_dict().items()}
    torch.save(
        {
            16: (state, state),
            "layer_structure": [1, 2, 2, 1],
            "activation_func": "mish",
            "activate_output": False,
            "use_dropout": True,
        },
        tmp_path / "dropping.pt",
    )
    keys, _ = load_hypernetwork(tmp_path / "dropping.pt")[16]
    assert torch.allclose(keys.eval()(x), x + dropping(x))


def test_pickles_that_hold_other_objects_give_their_tensors_and_import_nothing(
    tmp_path: Path,
) -> None:
    import torch

    from training.engine.files.lazy_tensors import open_tensors

    numbers = torch.arange(12.0).view(3, 4)
    state = {"a": numbers, "b": numbers.T, "c": numbers.half()[1:, 2:], "d": torch.empty(0)}
    beside = {"epoch": 1, "callbacks": {Fraction: {"best": Fraction(1, 2)}}}
    for older in (False, True):
        path = tmp_path / "trained.ckpt"
        torch.save({"state_dict": state, **beside}, path, _use_new_zipfile_serialization=not older)
        found = {name: tensor.read() for name, tensor in open_tensors(path).tensors.items()}
        assert found.keys() == state.keys()
        assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
    vectors = torch.nn.ParameterDict({"*": torch.nn.Parameter(numbers)})
    torch.save({"string_to_param": vectors}, tmp_path / "first.pt")
    assert torch.equal(read_embedding(tmp_path / "first.pt")["emb_params"], numbers)
