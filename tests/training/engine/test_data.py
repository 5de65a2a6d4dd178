"""Pictures of every kind, batches, class pictures, and what happens when a step cannot be taken."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.factories.engine import (
    Orders,
    Recorder,
    make_config,
    make_manifest,
    make_pictures,
)
from training.engine.data.batches import Feed, FeedRule, Item, View
from training.engine.data.captions import CaptionRule
from training.engine.data.latents import Latent
from training.engine.data.manifest import read_manifest
from training.engine.data.pictures import cut, open_picture
from training.engine.errors import DatasetError, EngineError
from training.engine.events import NoControl
from training.engine.runs.loop import train

pytestmark = pytest.mark.engine


def odd_pictures(folder: Path) -> dict[str, Path]:
    """Write pictures that trainers stumble over; the names of bad ones begin with bad."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    plain = Image.fromarray(pixels)
    paths = {}

    def keep(name: str, picture: Image.Image, **options: object) -> None:
        paths[name] = folder / name
        picture.save(paths[name], **options)

    keep("cmyk.jpg", plain.convert("CMYK"))
    keep("palette.png", plain.convert("P"))
    keep("grey16.png", Image.fromarray(pixels[..., 0].astype(np.uint16) * 257))
    keep("alpha.png", plain.convert("RGBA"))
    frames = [plain, plain.rotate(90)]
    keep("animated.gif", frames[0], save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    keep("turned.jpg", plain, exif=exif)
    keep("bad-point.png", Image.new("RGB", (1, 1)))
    paths["bad-cut.png"] = folder / "bad-cut.png"
    paths["bad-cut.png"].write_bytes(paths["palette.png"].read_bytes()[:200])
    paths["bad-text.png"] = folder / "bad-text.png"
    paths["bad-text.png"].write_text("no picture", encoding="utf-8")
    return paths


def test_odd_pictures_open_as_upright_rgb_and_bad_ones_are_named(tmp_path: Path) -> None:
    for name, path in odd_pictures(tmp_path).items():
        if name.startswith("bad"):
            with pytest.raises(DatasetError, match=name):
                open_picture(path)
        else:
            picture = open_picture(path)
            assert picture.mode == "RGB"
            assert picture.size == ((40, 60) if name == "turned.jpg" else (60, 40))


def test_the_colour_a_of_lab_is_no_transparency(tmp_path: Path) -> None:
    told: list[str] = []
    Image.new("LAB", (32, 32)).save(tmp_path / "lab.tif")
    open_picture(tmp_path / "lab.tif", on_conversion=told.append)
    assert told == []


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    path = odd_pictures(tmp_path)["grey16.png"]
    expected = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)[..., 0]
    assert np.abs(np.asarray(open_picture(path))[..., 0].astype(int) - expected).max() <= 1


def test_floating_numbers_from_nothing_to_one_are_no_black_picture(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 40 * 60, dtype=np.float32).reshape(40, 60)
    Image.fromarray(values).save(tmp_path / "deep.tiff")
    seen = np.asarray(open_picture(tmp_path / "deep.tiff"))[..., 0]
    assert np.abs(seen - values * 255).max() <= 0.51


def test_a_picture_of_endless_size_is_refused_and_one_below_the_limit_is_read(
    tmp_path: Path,
) -> None:
    endless, large = tmp_path / "endless.png", tmp_path / "large.png"
    Image.new("1", (20_000, 20_000)).save(endless)
    with pytest.raises(DatasetError, match=r"endless\.png has far more pixels than the limit"):
        open_picture(endless)
    Image.new("1", (20_000, 20)).save(large)
    assert open_picture(large).size == (20_000, 20)


def test_a_decoder_that_stumbles_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_pictures(tmp_path, 1)[0]

    def broken(*_: object) -> None:
        raise IndexError("index out of range")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", broken)
    with pytest.raises(DatasetError, match=r"00\.png cannot be read"):
        open_picture(path)


def test_a_run_goes_on_without_the_bad_pictures_and_says_which(
    base: Path, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "set"
    manifest = make_manifest(folder, list(odd_pictures(folder).values()))
    recorder = Recorder()
    config = make_config(base, manifest, max_steps=1)
    train(config, run_dir=tmp_path / "run", listener=recorder, control=NoControl(), cache_dir=cache)
    warned = recorder.of("warned")
    skipped = [event.message for event in warned if event.code == "picture_skipped"]
    assert len(skipped) == 3
    assert all("bad-" in sentence for sentence in skipped)
    assert str(folder) not in " ".join(skipped)
    assert [event.message for event in warned if event.code == "pictures_converted"] == [
        "Turned upright, as the EXIF data say: turned.jpg.",
        "Animated, so only the first picture is used: animated.gif.",
        "Turned from CMYK into RGB: cmyk.jpg.",
        "Scaled to 8 bits a channel: grey16.png.",
        "What is transparent was painted white: alpha.png.",
    ]
    assert recorder.of("started")[0].images == 6


def test_a_run_with_nothing_but_bad_pictures_refuses_before_it_starts(
    base: Path, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "set"
    bad = [path for name, path in odd_pictures(folder).items() if name.startswith("bad")]
    manifest = make_manifest(folder, bad)
    recorder = Recorder()
    with pytest.raises(DatasetError, match="None of"):
        train(
            make_config(base, manifest),
            run_dir=tmp_path / "run",
            listener=recorder,
            control=NoControl(),
            cache_dir=cache,
        )
    assert recorder.events[-1].kind == "failed"
    assert recorder.events[-1].code == "invalid_dataset"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2}', '{"version": 1}', '{"version": 1, "images": [{}]}']
)
def test_a_manifest_that_is_none_is_refused_in_words(text: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match="manifest"):
        read_manifest(path)


def test_a_crop_is_kept_inside_the_picture_and_covers_the_bucket() -> None:
    picture = Image.new("RGB", (100, 50), "red")
    picture.paste("blue", (50, 0, 100, 50))
    part = cut(picture, (60, -10, 500, 500), (64, 64))
    assert part.pixels.shape == (64, 64, 3)
    assert (part.pixels[..., 2] > 250).all()


def items(count: int, *, bucket: tuple[int, int] = (64, 64), repeats: int = 1) -> list[Item]:
    import torch

    views = (View(Latent(torch.zeros(4, 2, 2), torch.ones(4, 2, 2))),)
    return [Item(f"{bucket[0]}-{n}", f"c{n}", bucket, views, repeats=repeats) for n in range(count)]


def test_an_epoch_shows_each_picture_as_often_as_it_repeats_in_batches_of_one_shape() -> None:
    everything = items(5, repeats=2) + items(3, bucket=(128, 32))
    feed = Feed(everything, FeedRule(seed=1, batch_size=4, accumulation=2), {})
    assert (feed.batches_per_epoch, feed.steps_per_epoch) == (4, 2)
    for epoch in range(3):
        steps = range(epoch * 2, epoch * 2 + 2)
        batches = [batch for step in steps for batch in feed.batches(step)]
        shown = Counter(name for batch in batches for name in batch.ids)
        assert shown == Counter(
            {f"64-{n}": 2 for n in range(5)} | {f"128-{n}": 1 for n in range(3)}
        )
        assert all(len({name.split("-")[0] for name in batch.ids}) == 1 for batch in batches)


def test_epochs_come_in_different_orders_and_the_same_again_from_any_step() -> None:
    feed = Feed(items(12), FeedRule(seed=1, batch_size=4), {})
    first = [tuple(b.ids) for step in range(3) for b in feed.batches(step)]
    second = [tuple(b.ids) for step in range(3, 6) for b in feed.batches(step)]
    assert first != second
    fresh = Feed(items(12), FeedRule(seed=1, batch_size=4), {})
    assert [tuple(b.ids) for step in range(3, 6) for b in fresh.batches(step)] == second


def test_each_picture_is_joined_by_a_class_picture_with_its_weight() -> None:
    import torch

    prior = {(64, 64): items(3)}
    rule = FeedRule(seed=1, batch_size=2, prior_weight=0.5, captions=CaptionRule(trigger_word="x"))
    (batch,) = Feed(items(2), rule, prior).batches(0)
    assert torch.equal(batch.weights, torch.tensor([1.0, 1.0, 0.5, 0.5]))
    assert batch.divisor == 2
    assert sorted(batch.slots) == [0, 1, 2, 3]
    assert all(text.startswith("x, ") for text in batch.texts[:2])
    assert not any("x" in text for text in batch.texts[2:])


def test_cutting_a_pass_keeps_the_slots_of_every_picture() -> None:
    feed = Feed(items(6), FeedRule(seed=1, batch_size=6, sample_latents=True), {})
    (once,) = feed.batches(0)
    whole = dict(zip(once.ids, once.latents, strict=True))
    parts = [pair for b in feed.batches(0, split=4) for pair in zip(b.ids, b.latents, strict=True)]
    assert len(parts) == 6
    assert all((whole[name] == latent).all() for name, latent in parts)


def test_class_pictures_are_made_once_and_shared_through_the_cache(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    config = make_config(
        base,
        manifest,
        "dreambooth",
        max_steps=1,
        prior={"enabled": True, "images": 3, "steps": 2},
    )
    stages = []
    for name in ("first", "second"):
        recorder = Recorder()
        train(
            config, run_dir=tmp_path / name, listener=recorder, control=NoControl(), cache_dir=cache
        )
        made = [e for e in recorder.of("stage") if e.stage == "making_class_images"]
        stages.append(len(made))
        assert recorder.of("started")[0].regularisation_images == 3
    assert stages[0] > 0
    assert stages[1] == 0
    assert len(list((cache / "class_images").rglob("*.png"))) == 3


def test_prior_preservation_without_class_prompt_says_what_is_missing(
    base: Path, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "set"
    manifest = make_manifest(folder, make_pictures(folder, 2), class_prompt=None)
    config = make_config(base, manifest, "dreambooth", prior={"enabled": True})
    with pytest.raises(EngineError, match="class prompt"):
        train(
            config,
            run_dir=tmp_path / "run",
            listener=Recorder(),
            control=NoControl(),
            cache_dir=cache,
        )


def test_a_loss_that_is_not_finite_stops_before_the_weights_move_and_names_the_pictures(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    recorder = Recorder()
    config = make_config(
        base,
        manifest,
        "dreambooth",
        learning_rate=100,
        optimizer="sgd",
        max_grad_norm=0,
        max_steps=200,
    )
    with pytest.raises(EngineError) as raised:
        train(config, run_dir=tmp_path, listener=recorder, control=Orders(save=1), cache_dir=cache)
    assert raised.value.code == "non_finite_loss"
    assert recorder.events[-1].kind == "failed"
    assert any(f"{number:02d}" in str(raised.value) for number in range(5))
    from training.engine.runs.state import load_state

    saved = load_state(tmp_path / "state" / "state.safetensors", method="dreambooth")
    assert saved is not None
    assert all(tensor.isfinite().all() for tensor in saved.part("weights").values())


@pytest.mark.parametrize("kind_of_error", ["device", "machine"])
def test_where_memory_runs_out_the_run_goes_on_in_smaller_passes_and_says_so(
    kind_of_error: str,
    base: Path,
    manifest: Path,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    from training.engine.parts.unet import UNet2DConditionModel

    kind = torch.OutOfMemoryError if kind_of_error == "device" else RuntimeError
    plain = Recorder()
    config = make_config(base, manifest, batch_size=4, max_steps=3)
    train(config, run_dir=tmp_path / "a", listener=plain, control=NoControl(), cache_dir=cache)
    forward = UNet2DConditionModel.forward

    def small_memory(
        self: UNet2DConditionModel, sample: torch.Tensor, *more: object, **options: object
    ) -> object:
        if len(sample) > 1:
            raise kind("DefaultCPUAllocator: can't allocate memory: room for one picture")
        return forward(self, sample, *more, **options)

    monkeypatch.setattr(UNet2DConditionModel, "forward", small_memory)
    tight = Recorder()
    train(config, run_dir=tmp_path / "b", listener=tight, control=NoControl(), cache_dir=cache)
    told = [event.message for event in tight.of("warned")]
    assert ["checkpointing" in told[0], "into 2" in told[1], "into 4" in told[2]] == [True] * 3
    assert len(told) == 3
    assert [step.loss for step in tight.of("stepped")] == pytest.approx(
        [step.loss for step in plain.of("stepped")], rel=1e-4
    )


def test_masks_weigh_the_loss_and_turn_with_mirrored_pictures(
    base: Path, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "set"
    paths = make_pictures(folder, 2)
    manifest = make_manifest(folder, paths)
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    mask.save(folder / "mask.png")
    data = json.loads(manifest.read_text(encoding="utf-8"))
    for image in data["images"]:
        image["mask"] = "mask.png"
    manifest.write_text(json.dumps(data), encoding="utf-8")

    import torch

    latent = Latent(torch.zeros(4, 2, 4), torch.ones(4, 2, 4))
    half = torch.tensor([[[1.0, 1.0, 0.0, 0.0]] * 2])
    mirrored = Item("a", "", (64, 64), (View(latent, mirrored=latent, mask=half),))
    feed = Feed([mirrored], FeedRule(seed=1, batch_size=1), {})
    seen = {tuple(b.masks[0, 0, 0].tolist()) for s in range(20) for b in feed.batches(s)}  # type: ignore[index]
    assert seen == {(1.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.0)}

    losses = []
    for name, path in (("masked", manifest), ("plain", None)):
        if path is None:
            for image in data["images"]:
                image["mask"] = None
            manifest.write_text(json.dumps(data), encoding="utf-8")
        recorder = Recorder()
        config = make_config(base, manifest, max_steps=1)
        train(
            config, run_dir=tmp_path / name, listener=recorder, control=NoControl(), cache_dir=cache
        )
        losses.append(recorder.of("stepped")[0].loss)
    assert 0.3 < losses[0] / losses[1] < 0.7
