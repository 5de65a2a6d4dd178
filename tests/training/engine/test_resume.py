"""n steps = k steps, a kill, and n - k more: bit for bit, for every method."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.factories.engine import Killed, Orders, Recorder, make_config
from training.engine.config.train import TrainConfig
from training.engine.driving import WaitingCommands
from training.engine.events import COMMANDS, NoControl
from training.engine.runs.checkpoints import superseded
from training.engine.runs.loop import train

pytestmark = pytest.mark.engine

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": ("lora", {}),
    "lora with all that draws": (
        "lora",
        {
            "train_text_encoder": True,
            "gradient_accumulation": 2,
            "flip": True,
            "noise_offset": 0.1,
            "noise_offset_random": True,
            "multires_noise_iterations": 4,
            "loss": "huber",
            "input_perturbation": 0.1,
            "latent_sampling": "sample",
            "snr_gamma": 5,
            "network": {"dim": 4, "alpha": 2.0, "conv_dim": 2, "dropout": 0.3, "max_norm": 0.5},
            "captions": {"shuffle": True, "dropout": 0.2, "tag_dropout": 0.2, "keep_tokens": 1},
        },
    ),
    "dreambooth with average, prior and text": (
        "dreambooth",
        {
            "learning_rate": 1e-3,
            "train_text_encoder": True,
            "text_encoder_stop_fraction": 0.5,
            "ema": {"enabled": True, "decay": 0.9},
            "prior": {"enabled": True, "images": 3, "steps": 2},
        },
    ),
    "textual inversion": ("textual_inversion", {"learning_rate": 0.05}),
    "hypernetwork with dropout": (
        "hypernetwork",
        {"hypernetwork": {"dropout": [0.0, 0.3, 0.0]}, "gradient_accumulation": 2},
    ),
    "lora that drops ranks and modules": (
        "lora",
        {"network": {"dim": 4, "alpha": 2.0, "rank_dropout": 0.3, "module_dropout": 0.3}},
    ),
    "dora": ("lora", {"network": {"dim": 4, "decompose": True, "module_dropout": 0.3}}),
    "lokr": ("lora", {"network": {"dim": 2, "algorithm": "lokr", "rank_dropout": 0.3}}),
    "lion": ("lora", {"optimizer": "lion", "learning_rate": 1e-3}),
    "prodigy": ("lora", {"optimizer": "prodigy", "learning_rate": 1.0}),
    "adafactor": ("lora", {"optimizer": "adafactor"}),
    "sgd": ("lora", {"optimizer": "sgd", "learning_rate": 0.1}),
    "loha with text, colours and 8 bits": (
        "lora",
        {
            "network": {"dim": 2, "algorithm": "loha", "conv_dim": 2},
            "train_text_encoder": True,
            "text_encoder_stop_fraction": 0.6,
            "optimizer": "adamw8bit",
            "colour_augmentation": True,
            "crop": "focal",
        },
    ),
}


def tensors_of(path: Path) -> dict[str, str]:
    """Return a hash of each tensor of a file."""
    import torch
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        tensors = load_file(path)
    else:
        data = torch.load(path, weights_only=True)
        tensors = {
            f"{width}.{number}.{name}": tensor
            for width, pair in data.items()
            if isinstance(width, int)
            for number, state in enumerate(pair)
            for name, tensor in state.items()
        }
    return {n: hashlib.sha256(t.numpy().tobytes()).hexdigest() for n, t in tensors.items()}


def run(
    config: TrainConfig, folder: Path, cache: Path, kill_at: int | None = None, **orders: int
) -> tuple[Path | None, Recorder]:
    recorder = Recorder(kill_at_step=kill_at)
    control = Orders(**orders) if orders else NoControl()
    try:
        result = train(config, run_dir=folder, listener=recorder, control=control, cache_dir=cache)
    except Killed:
        return None, recorder
    return result.path, recorder


@pytest.mark.parametrize("case", CASES)
def test_a_killed_run_ends_with_the_same_bytes_as_an_undisturbed_one(
    case: str,
    base: Path,
    manifest: Path,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1735689600")  # all else in a file is of the settings
    method, changes = CASES[case]
    config = make_config(base, manifest, method, **changes)
    straight, told = run(config, tmp_path / "straight", cache)

    killed = tmp_path / "killed"
    assert run(config, killed, cache, kill_at=4, save=2)[0] is None  # a state of step 3, lost at 4
    assert run(config, killed, cache, kill_at=5)[0] is None  # no newer state: the second kill
    resumed, told_last = run(config, killed, cache)

    assert straight is not None
    assert resumed is not None
    assert tensors_of(straight) == tensors_of(resumed)
    assert straight.read_bytes() == resumed.read_bytes()
    assert told.of("stepped")[-1].loss == told_last.of("stepped")[-1].loss
    assert told.of("finished")[-1].loss == told_last.of("finished")[-1].loss


def test_a_killed_run_in_fp16_goes_on_with_the_scale_of_its_gradients(
    base: Path, manifest: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.engine.machine.precision import Precision
    from training.engine.runs.state import load_state

    half = Precision("cpu", "fp16", use_scaler=True, threads=1, checkpointing=False)
    monkeypatch.setattr("training.engine.runs.preparation.choose", lambda *_, **__: half)
    config = make_config(base, manifest)
    straight, _ = run(config, tmp_path / "straight", cache)
    killed = tmp_path / "killed"
    assert run(config, killed, cache, kill_at=4, save=2)[0] is None
    saved = load_state(killed / "state/state.safetensors", method="lora")
    assert saved is not None
    assert saved.position.scalars["scaler"]["_growth_tracker"] == 3
    resumed, _ = run(config, killed, cache)
    assert straight is not None
    assert resumed is not None
    assert tensors_of(straight) == tensors_of(resumed)


def test_the_journal_of_a_killed_run_tells_each_step_once_with_rising_numbers(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    from training.engine.runs.journal import Journal

    prompts = ["a thing <lora:ink:0.5>"]  # which is no file, and that is told
    config = make_config(base, manifest, sample_every_epochs=1, sample_prompts=prompts)
    for kill_at in (2, 4, None):
        run(config, tmp_path, cache, kill_at=kill_at, save=1)
    everything = Recorder()
    Journal(tmp_path / "events.jsonl", everything, replay_after=0).close()
    numbers = [event.sequence for event in everything.events]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [event.step for event in everything.of("stepped")] == [1, 2, 3, 4, 5, 6]
    paths = [event.path for event in everything.of("previewed")]
    assert len(paths) == len(set(paths)) == 2
    assert len(everything.of("finished")) == 1
    told = [event.message for event in everything.of("warned") if event.code == "networks_left_out"]
    assert len(told) == 3
    assert "names the lora ink, and there is no such file" in told[0]
    assert "sampling.library" in told[0]


def test_a_finished_run_started_again_does_nothing_new(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    config = make_config(base, manifest)
    first, _ = run(config, tmp_path, cache)
    assert first is not None
    before = first.read_bytes()
    second, told = run(config, tmp_path, cache)
    assert second == first
    assert first.read_bytes() == before
    assert not told.of("finished")
    assert not told.of("checkpointed")


def test_a_stopped_run_is_over_until_it_is_given_more_epochs(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    config = make_config(base, manifest)
    first, _ = run(config, tmp_path, cache, stop=2)
    again, told = run(config, tmp_path, cache)
    assert again == first
    assert told.events == []
    longer = config.model_copy(update={"max_steps": 8})
    _, told = run(longer, tmp_path, cache)
    assert [event.step for event in told.of("stepped")] == [3, 4, 5, 6, 7, 8]
    assert told.of("finished")[0].reason == "completed"


def test_a_state_of_other_settings_is_refused_in_words(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    from training.engine.errors import StateError

    run(make_config(base, manifest), tmp_path, cache, pause=2)
    other = make_config(base, manifest, network={"dim": 8, "alpha": 2.0})
    with pytest.raises(StateError, match="other settings"):
        train(other, run_dir=tmp_path, listener=Recorder(), control=NoControl(), cache_dir=cache)


@pytest.mark.parametrize(
    ("command", "status"), [("stop", "stopped"), ("pause", "paused"), ("cancel", "cancelled")]
)
def test_every_way_to_end_leaves_a_valid_folder(
    command: str, status: str, base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    recorder = Recorder()
    result = train(
        make_config(base, manifest),
        run_dir=tmp_path,
        listener=recorder,
        control=Orders(**{command: 3}),
        cache_dir=cache,
    )
    assert (result.status, result.step) == (status, 3)
    assert (tmp_path / "state" / "state.safetensors").exists()
    finals = list((tmp_path / "checkpoints").iterdir())
    assert len(finals) == (1 if command == "stop" else 0)
    assert not list(tmp_path.rglob("*.part"))
    assert recorder.events[-1].kind == ("finished" if command == "stop" else "suspended")


@pytest.mark.parametrize(("command", "status"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_wish_to_end_is_heard_while_pictures_are_encoded_and_those_that_are_stay(
    command: str, status: str, base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    def encoded() -> int:
        return len(list((cache / "latents").rglob("*.safetensors")))

    class Asked(NoControl):
        @property
        def leaving(self) -> str | None:
            return command if encoded() == 2 else None

    recorder, config = Recorder(), make_config(base, manifest)
    result = train(config, run_dir=tmp_path, listener=recorder, control=Asked(), cache_dir=cache)
    assert (result.status, result.step, result.path) == (status, 0, None)
    assert encoded() == 2
    assert (recorder.events[-1].kind, recorder.events[-1].reason) == ("suspended", status)
    assert not recorder.of("started")


def test_a_wish_to_end_is_heard_before_the_base_is_loaded(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    class Asked(NoControl):
        leaving = "pause"

    recorder, config = Recorder(), make_config(base, manifest)
    result = train(config, run_dir=tmp_path, listener=recorder, control=Asked(), cache_dir=cache)
    assert (result.status, [event.kind for event in recorder.events]) == ("paused", ["suspended"])


def test_only_the_last_checkpoints_stay_where_that_is_asked_for() -> None:
    told = {f"checkpoints/my (x)-e{n:04d}.safetensors": 7 * n for n in (9, 10, 11)}
    told |= {f"checkpoints/my (x)-s{n:06d}.safetensors": n for n in (10, 20, 25, 30, 40, 50)}
    told |= {"checkpoints/my (x).safetensors": 77, "samples/e0009-p00.png": 63}
    config = TrainConfig(output_name="my (x)", save_every_steps=10)
    assert superseded(config, told) == []
    few = config.model_copy(update={"save_last_epochs": 2})
    assert superseded(few, told) == ["checkpoints/my (x)-e0009.safetensors"]
    late = config.model_copy(update={"save_last_steps": 30})  # as kohya's: 20 to 50 stay
    assert superseded(late, told) == ["checkpoints/my (x)-s000010.safetensors"]
    later = config.model_copy(update={"save_last_steps": 10})  # 25 was asked for
    assert [name[-18:-12] for name in superseded(later, told)] == ["000010", "000020", "000030"]
    assert superseded(few, {}) == superseded(late, {}) == []


def test_commands_wait_in_order_and_a_pause_is_seen_before_its_turn() -> None:
    waiting = WaitingCommands()
    assert (waiting.take(), waiting.leaving) == (None, None)
    for command in COMMANDS:  # save, stop, pause, cancel, sample
        waiting.put(command)
    assert waiting.leaving == "pause"
    assert [waiting.take() for _ in range(4)] == ["save", "stop", "pause", "cancel"]
    assert waiting.leaving is None
    assert (waiting.take(), waiting.take()) == ("sample", None)


def test_the_second_run_on_the_same_pictures_reads_its_latents_from_the_cache(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    run(make_config(base, manifest, max_steps=1), tmp_path / "a", cache)
    files = {path: path.stat().st_mtime_ns for path in (cache / "latents").rglob("*.safetensors")}
    assert len(files) == 5
    run(make_config(base, manifest, "textual_inversion", max_steps=1), tmp_path / "b", cache)
    after = {path: path.stat().st_mtime_ns for path in (cache / "latents").rglob("*.safetensors")}
    assert after == files


def test_what_nobody_foresaw_is_told_as_a_failure_and_raised(
    base: Path, manifest: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.engine.runs.stepping import Stepper

    def broken(_self: Stepper, _step: int) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(Stepper, "step", broken)
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError):
        train(
            make_config(base, manifest),
            run_dir=tmp_path,
            listener=recorder,
            control=NoControl(),
            cache_dir=cache,
        )
    (failed,) = recorder.of("failed")
    assert failed.code == "internal_error"
    assert "a fault" in failed.message
