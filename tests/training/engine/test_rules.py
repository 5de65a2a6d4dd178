"""The pure rules of the engine: draws, rates, buckets, captions, choices for a machine."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hub.formats.trigger_words import with_trigger
from training.engine import randomness
from training.engine.config.prompt_lines import SAMPLER_WORDS, Area
from training.engine.config.train import TrainConfig
from training.engine.data.buckets import BucketRule, bucket_table, choose_bucket
from training.engine.data.captions import CaptionRule
from training.engine.data.manifest import Manifest, ManifestImage
from training.engine.errors import ConfigError
from training.engine.machine.precision import GIB, Machine, choose
from training.engine.samples.prompt_troubles import prompt_troubles
from training.engine.samples.prompts import (
    HiresFix,
    StartPicture,
    parse_prompt,
    prompt_requests,
)
from training.engine.samples.samplers import SAMPLERS
from training.engine.schedule import RateSchedule, parse_rate_list


def test_a_draw_depends_on_seed_purpose_and_counters_and_on_nothing_else() -> None:
    first = randomness.generator(1, "noise", 5, 2).standard_normal(8)
    randomness.generator(1, "noise", 5, 3).standard_normal(100)
    again = randomness.generator(1, "noise", 5, 2).standard_normal(8)
    assert (first == again).all()
    others = [(2, "noise", 5, 2), (1, "timestep", 5, 2), (1, "noise", 6, 2), (1, "noise", 5, 3)]
    for seed, purpose, step, item in others:
        other = randomness.generator(seed, purpose, step, item).standard_normal(8)
        assert not (first == other).any()


def test_streams_of_neighbouring_counters_do_not_overlap() -> None:
    long = set(randomness.generator(1, "noise", 1).integers(0, 2**63, 20_000).tolist())
    near = set(randomness.generator(1, "noise", 2).integers(0, 2**63, 20_000).tolist())
    assert not long & near


def test_noise_is_standard_normal() -> None:
    values = randomness.generator(3, "noise", 1, 1).standard_normal(100_000)
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02


@pytest.mark.parametrize(
    ("name", "at_start", "at_middle", "at_end"),
    [
        ("constant", 1.0, 1.0, 1.0),
        ("linear", 1.0, 0.5, 0.0),
        ("cosine", 1.0, 0.5, 0.0),
        ("polynomial", 1.0, 0.25, 0.0),
    ],
)
def test_schedules_begin_cross_the_middle_and_end_where_they_should(
    name: str, at_start: float, at_middle: float, at_end: float
) -> None:
    schedule = RateSchedule(name, total_steps=110, warmup_steps=10, power=2.0)
    assert schedule.factor(0) == pytest.approx(1 / 11)
    assert schedule.factor(10) == pytest.approx(at_start)
    assert schedule.factor(60) == pytest.approx(at_middle)
    assert schedule.factor(110) == pytest.approx(at_end)


def test_restarts_return_to_the_full_rate() -> None:
    schedule = RateSchedule("cosine_with_restarts", total_steps=100, cycles=4)
    assert schedule.factor(25) == pytest.approx(1.0)
    assert schedule.factor(24) < 0.01


def test_a_rate_list_is_read_as_a1111_reads_it() -> None:
    rates = parse_rate_list("0.005:100, 1e-3:1000, 1e-5")
    assert [rates.rate(step) for step in (0, 99, 100, 999, 1000, 9999)] == [
        *(0.005, 0.005, 1e-3, 1e-3, 1e-5, 1e-5)
    ]
    assert parse_rate_list(" 5e-3 : 100 ,1e-3:-1,") == parse_rate_list("0.005:100, 0.001")
    for wrong in ("", "x", "1e-3:0", "1e-3:10, 1e-4:5", "1e-3, 1e-4", "-1"):
        with pytest.raises(ConfigError):
            parse_rate_list(wrong)


def test_buckets_hold_the_area_and_the_step() -> None:
    rule = BucketRule(resolution=512)
    table = bucket_table(rule)
    assert (512, 512) in table
    for width, height in table:
        assert width * height <= 512 * 512
        assert width % 64 == height % 64 == 0
        assert (height, width) in table
        assert min(width, height) >= 256
        assert max(width, height) <= 1024


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((1000, 1000), (512, 512)),
        ((1920, 1080), (640, 384)),
        ((1080, 1920), (384, 640)),
        ((4000, 100), (1024, 256)),
    ],
)
def test_a_picture_goes_to_the_nearest_shape(
    size: tuple[int, int], bucket: tuple[int, int]
) -> None:
    rule = BucketRule(resolution=512)
    assert choose_bucket(size, rule, bucket_table(rule)) == bucket


def test_without_upscaling_a_small_picture_keeps_its_size() -> None:
    assert (576, 576) in bucket_table(BucketRule(resolution=600))
    assert (600, 600) not in bucket_table(BucketRule(resolution=600))
    rule = BucketRule(resolution=512, upscale=False)
    assert choose_bucket((300, 200), rule, bucket_table(rule)) == (256, 192)
    assert choose_bucket((5000, 100), rule, bucket_table(rule)) == (1024, 64)


def test_captions_begin_with_the_trigger_once() -> None:
    assert with_trigger("red, round", "sks owl") == "sks owl, red, round"
    assert with_trigger("a Sks Owl, red", "sks owl") == "a Sks Owl, red"
    assert with_trigger("a sksowl", "sks") == "sks, a sksowl"
    assert with_trigger("", "sks") == "sks"


def test_shuffling_keeps_the_first_tags_and_loses_none() -> None:
    rule = CaptionRule(seed=1, shuffle=True, keep_tokens=2)
    texts = {rule.text("a, b, c, d, e", step, 0) for step in range(40)}
    assert len(texts) > 3
    for text in texts:
        assert text.startswith("a, b, ")
        assert sorted(text.split(", ")) == ["a", "b", "c", "d", "e"]


def test_tags_come_in_over_the_warm_up_as_in_kohyas_scripts() -> None:
    rule = CaptionRule(keep_tokens=1, tag_warmup_steps=8, tag_warmup_min=1)
    shown = [rule.text("a, b, c, d, e, f", step, 0) for step in range(10)]
    counts = [len(text.split(", ")) - 1 for text in shown]
    assert counts == [math.floor(step * (5 - 1) / 8) + 1 for step in range(8)] + [5, 5]
    assert shown[0] == "a, b"
    assert shown[8] == "a, b, c, d, e, f"
    assert rule.varies
    assert rule.without_chance().text("a, b, c", 0, 0) == "a, b, c"
    none = CaptionRule(tag_warmup_steps=4, tag_warmup_min=0)
    assert [none.text("a, b", step, 0) for step in (0, 2, 4)] == ["", "a", "a, b"]
    many = CaptionRule(tag_warmup_steps=4, tag_warmup_min=9)  # more than there are
    assert many.text("a, b", 0, 0) == "a, b"


def test_dropout_drops_about_its_share_and_the_trigger_with_it() -> None:
    rule = CaptionRule(seed=1, trigger_word="sks", dropout=0.25)
    dropped = sum(rule.text("a", step, slot) == "" for step in range(200) for slot in range(5))
    assert 200 < dropped < 300


def test_a_template_puts_name_and_caption_in_place() -> None:
    rule = CaptionRule(templates=("x [name], [filewords]",), token="<w>", trigger_word="<w>")
    assert rule.text("red", 0, 0) == "x <w>, red"


def test_a_prompt_line_is_read_as_kohya_reads_it() -> None:
    config = TrainConfig.parse({"resolution": 128, "sampling": {"negative": "bad", "seed": 9}})
    request = parse_prompt("a cat -- yes --n ugly, bad --w 131 --h 64 --s 7 --l 3.5 --d 5", config)
    assert request.prompt == "a cat -- yes"
    assert (request.negative, request.width, request.height) == ("ugly, bad", 128, 64)
    assert (request.steps, request.guidance, request.seed) == (7, 3.5, 5)
    plain = parse_prompt("a cat", config, 2)
    assert (plain.negative, plain.width, plain.seed) == ("bad", 128, 11)
    assert parse_prompt("a cat --n", config).negative == ""
    assert parse_prompt("a cat --W 128 --N bad", config).negative == "bad"
    odd = parse_prompt("a cat --n --other --d 7 words", config)
    assert (odd.negative, odd.seed) == ("", 7)
    assert parse_prompt("a cat --ss k_euler_a", config).sampler == "Euler a"


def test_a_prompt_line_can_ask_for_the_hires_fix_within_its_limits() -> None:
    config = TrainConfig()
    line = "a cat --n bad --hr 1.5 --hd 0.4 --hs 7 --hu lanczos --d 3"
    request = parse_prompt(line, config)
    assert request.hires == HiresFix(1.5, 0.4, 7, "Lanczos")
    assert (request.negative, request.seed) == ("bad", 3)
    assert parse_prompt("a cat --hr 2", config).hires == HiresFix()
    assert parse_prompt("a cat", config).hires is None
    assert parse_prompt("a cat --hr 1 --hd 0.5", config).hires is None
    assert parse_prompt("a cat --hr 4", config).hires == HiresFix(4.0)
    assert parse_prompt("a cat --hr 4.1 --hu nothing", config).hires == HiresFix(4.0)
    wide = "a cat --w 1024 --h 512"  # at most 2048 pixels to a side
    assert parse_prompt(f"{wide} --hr 2", config).hires == HiresFix(2.0)
    assert parse_prompt(f"{wide} --hr 2.1", config).hires == HiresFix(2.0)


def test_a_prompt_line_can_start_from_a_picture_and_paint_a_part_of_it() -> None:
    line = "a cat --init 0a1b2c3d --dn 0.6 --mask 25,0,75,50"
    config = TrainConfig(sample_prompts=["# start", line, "a dog"])
    found = prompt_requests(config, {"0a1b2c3d": Path("a.png")}.get)
    assert [request.start for request in found] == [
        StartPicture(Path("a.png"), 0.6, Area(25, 0, 75, 50)),
        None,
    ]
    assert parse_prompt(line, config).start is None  # a grid has no data set
    with pytest.raises(ConfigError, match="no picture of the data set"):
        prompt_requests(config, {}.get)


def test_a_picture_of_the_data_set_is_found_by_name_or_hash() -> None:
    images = [
        ManifestImage(id=name, path=Path(f"pictures/{name}.png"), sha256=digit * 64, caption="")
        for name, digit in (("cat", "a"), ("dog", "b"))
    ]
    manifest = Manifest(images=tuple(images))
    for name in ("dog", "dog.png", "bbbbbbbb", "BBBBBBBBBB"):
        assert manifest.picture(name) == Path("pictures/dog.png")
    for name in ("bbbbbbb", "cccccccc", "do", "", "../cat.png", "/etc/passwd"):
        assert manifest.picture(name) is None


def test_every_sampler_has_its_name_in_prompt_lines() -> None:
    assert set(SAMPLER_WORDS.values()) == set(SAMPLERS)


def test_what_a_prompt_asks_and_does_not_get_is_said() -> None:
    lines = ["# note --s 0", "a cat --s 20 --l 7.5 --d 7 words --ss euler_a --hr 1.5 --hd 0.5"]
    assert prompt_troubles(TrainConfig(sample_prompts=lines)) == []
    odd = ["a --s 0 --w x --q 1", "--hd 0.5 --ss heun", "b --hr 2 --hu no --init 0a --mask 1"]
    odd += ["a cat AND a dog :1.2 --n a AND b", "a SAND and a BAND", "a clock, 16:9"]
    sampling = {"sampler": "heun"}
    said = prompt_troubles(TrainConfig.parse({"sample_prompts": odd, "sampling": sampling}))
    beginnings = (
        "For samples there is no sampler 'heun' here, so DPM++ 2M is taken",
        "Sample prompt 1: --s 0 is no whole number from 1 to 150",
        "Sample prompt 1: --w x is no whole number from 64 to 2048",
        "Sample prompt 1: --q is no option",
        "Sample prompt 2: there are no words",
        "Sample prompt 2: --hd does nothing without --hr",
        "Sample prompt 2: there is no sampler 'heun'",
        "Sample prompt 3: there is no upscaler 'no'",
        "Sample prompt 3: --mask 1 is not left",
        "Sample prompt 4: AND is a word like others in a negative prompt",
        "Sample prompt 6: the 9 at its end is its weight, as in A1111",
    )
    assert len(said) == len(beginnings)
    assert all(one.startswith(start) for one, start in zip(said, beginnings, strict=True))
    assert prompt_troubles(TrainConfig.parse({"sampling": sampling})) == []  # nothing is drawn


def test_a_word_for_the_negative_prompt_is_put_there_in_samples() -> None:
    lines = ["a cat --n blurry", "a cat --n <bad>, dark", "a dog"]
    word = {"token": "<bad>", "negative": True}
    config = TrainConfig.parse(
        {"method": "textual_inversion", "textual_inversion": word, "sample_prompts": lines}
    ).resolved()
    found = [request.negative for request in prompt_requests(config)]
    assert found == ["<bad>, blurry", "<bad>, dark", "<bad>"]
    plain = config.model_copy(update={"method": "lora"})
    assert prompt_requests(plain)[0].negative == "blurry"


SLOW_BF16 = Machine(cuda=False, cores=2, cpu_fp32_speed=1.0, cpu_bf16_speed=0.05)
FAST_BF16 = Machine(cuda=False, cores=2, cpu_fp32_speed=1.0, cpu_bf16_speed=4.0)
AMPERE = Machine(cuda=True, cuda_name="A100", cuda_capability=(8, 0), cuda_memory=40 * GIB)
TURING = Machine(cuda=True, cuda_name="T4", cuda_capability=(7, 5), cuda_memory=16 * GIB)
GTX16 = Machine(cuda=True, cuda_name="NVIDIA GTX 1660", cuda_capability=(7, 5))


@pytest.mark.parametrize(
    ("machine", "asked", "device", "compute", "notes"),
    [
        (SLOW_BF16, "auto", "cpu", "fp32", 0),
        (SLOW_BF16, "bf16", "cpu", "fp32", 1),
        (SLOW_BF16, "fp16", "cpu", "fp32", 1),
        (FAST_BF16, "auto", "cpu", "bf16", 0),
        (FAST_BF16, "no", "cpu", "fp32", 0),
        (AMPERE, "auto", "cuda", "bf16", 0),
        (AMPERE, "fp16", "cuda", "fp16", 0),
        (AMPERE, "no", "cuda", "fp32", 0),
        (TURING, "auto", "cuda", "fp16", 0),
        (TURING, "bf16", "cuda", "fp16", 1),
        (GTX16, "auto", "cuda", "fp32", 1),
    ],
)
def test_the_number_format_follows_the_machine(
    machine: Machine, asked: str, device: str, compute: str, notes: int
) -> None:
    choice = choose(machine, mixed_precision=asked)
    assert (choice.device, choice.compute, len(choice.notes)) == (device, compute, notes)
    assert choice.use_scaler == (compute == "fp16")


def test_asking_for_cuda_without_one_trains_on_the_cpu_and_says_so() -> None:
    choice = choose(SLOW_BF16, device="cuda")
    assert choice.device == "cpu"
    assert "no CUDA device" in choice.notes[0]


def test_checkpointing_comes_on_where_the_estimate_is_above_the_card() -> None:
    assert choose(TURING, estimated_bytes=20 * GIB).checkpointing
    assert not choose(TURING, estimated_bytes=8 * GIB).checkpointing
    assert not choose(TURING, estimated_bytes=20 * GIB, checkpointing=False).checkpointing


def test_uniform_draws_fill_the_range() -> None:
    values = [randomness.uniform(1, "x", step) for step in range(1000)]
    assert 0 <= min(values) < 0.01
    assert 0.99 < max(values) < 1
    assert math.isclose(sum(values) / 1000, 0.5, abs_tol=0.05)
