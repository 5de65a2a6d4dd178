"""Where memory runs out beside the steps: what is made or encoded there goes on with less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.factories.engine import Recorder, make_config
from training.engine.errors import OutOfMemoryError
from training.engine.events import NoControl
from training.engine.runs.loop import train
from training.engine.samples.sampling import GROUP, Portion

pytestmark = pytest.mark.engine
NO_ROOM = "DefaultCPUAllocator: can't allocate memory"


def test_pictures_are_halved_down_to_one_then_its_two_prompts_are_parted() -> None:
    told: list[str] = []
    portion = Portion(on_less=told.append)
    sizes = []
    for _ in range(4):
        sizes.append((portion.pictures, portion.apart))
        portion.give_way("no room")
    assert sizes == [(GROUP, False), (4, False), (2, False), (1, False)]
    assert (portion.pictures, portion.apart) == (1, True)
    assert [text.split("; ")[1] for text in told] == [
        "pictures are made 4 pictures at a time now.",
        "pictures are made 2 pictures at a time now.",
        "pictures are made one by one now.",
        "prompts and negative prompts are passed one after the other now.",
    ]
    with pytest.raises(OutOfMemoryError, match="one picture"):
        portion.give_way("no room")


def test_samples_and_held_out_pictures_come_out_the_same_one_at_a_time(
    base: Path, manifest: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from training.engine.parts.unet import UNet2DConditionModel

    config = make_config(
        base,
        manifest,
        max_steps=1,
        validation={"share": 0.4, "draws": 2},
        sampling={"steps": 2, "guidance": 2.0, "at_start": True},
        sample_prompts=["a red thing --d 1", "a thing --d 2", "a round thing --d 3"],
    )
    plain, tight = Recorder(), Recorder()
    train(config, run_dir=tmp_path / "a", listener=plain, control=NoControl(), cache_dir=cache)
    forward = UNet2DConditionModel.forward

    def small(
        self: UNet2DConditionModel, sample: torch.Tensor, *more: object, **options: object
    ) -> object:
        if len(sample) > 1:
            raise RuntimeError(NO_ROOM)
        return forward(self, sample, *more, **options)

    monkeypatch.setattr(UNet2DConditionModel, "forward", small)
    train(config, run_dir=tmp_path / "b", listener=tight, control=NoControl(), cache_dir=cache)
    told = [event.message.split("; ")[1] for event in tight.of("warned")]
    assert told[:4] == [
        "pictures are made one by one now.",
        "prompts and negative prompts are passed one after the other now.",
        "1 held-out pictures are measured in a pass now.",
        "gradient checkpointing is on now, and the step is taken again.",
    ]
    assert {event.code for event in tight.of("warned")} == {"out_of_memory"}
    names = [event.path for event in plain.of("previewed")]
    assert [event.path for event in tight.of("previewed")] == names
    assert len(names) == 3
    for name in names:
        pictures = [np.asarray(Image.open(tmp_path / run / name), dtype=int) for run in "ab"]
        assert np.abs(pictures[0] - pictures[1]).max() <= 1
    losses = [[event.loss for event in recorder.of("validated")] for recorder in (plain, tight)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_what_does_not_encode_leaves_first_then_the_vae_and_all_come_back(
    base: Path, manifest: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from training.engine.components import load_components
    from training.engine.data.encoding_room import EncodingRoom, ladder
    from training.engine.data.latents import LatentCache
    from training.engine.machine.precision import Machine, choose

    assert ladder("cuda") == ["others_aside", "on_the_cpu"]
    assert ladder("cpu") == ["others_aside"]
    config = make_config(base, manifest).resolved()
    components = load_components(config, choose(Machine(cuda=False)))
    told: list[str] = []
    room = EncodingRoom(
        components, LatentCache(cache, components), lambda _code, text: told.append(text)
    )
    room.rungs = ladder("cuda")  # on this machine each way leads to the same memory
    tries = iter([RuntimeError(NO_ROOM), torch.OutOfMemoryError("CUDA out of memory"), None])

    def attempt() -> str:
        error = next(tries)
        if error is not None:
            raise error
        return "encoded"

    with room.opened():
        assert room.encode(attempt) == "encoded"
        assert room.rungs == []
        tries = iter([RuntimeError(NO_ROOM)])
        with pytest.raises(OutOfMemoryError, match="one picture"):
            room.encode(attempt)
        tries = iter([ValueError("another error")])
        with pytest.raises(ValueError, match="another"):
            room.encode(attempt)
    assert room.rungs == ladder("cuda")
    assert ["put aside" in told[0], "on the CPU" in told[1]] == [True, True]
    assert len(told) == 2


def test_a_run_goes_on_where_encoding_runs_out_of_memory_once_and_says_so(
    base: Path, manifest: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.engine.data.latents import LatentCache

    get, failed = LatentCache.get, []

    def small(self: LatentCache, *key: object, **options: object) -> object:
        if not failed:
            failed.append(True)
            raise RuntimeError(NO_ROOM)
        return get(self, *key, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LatentCache, "get", small)
    told = Recorder()
    config = make_config(base, manifest, max_steps=1)
    result = train(config, run_dir=tmp_path, listener=told, control=NoControl(), cache_dir=cache)
    assert result.status == "completed"
    assert [event.code for event in told.of("warned")] == ["out_of_memory"]
    assert told.of("started")[0].images == 5
