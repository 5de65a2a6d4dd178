"""What kohya's scripts do where a file says nothing: rates, optimizers, captions."""

from __future__ import annotations

import tomllib

import pytest

from training.engine.config.train import TrainConfig
from training.engine.kohya.reading import from_kohya
from training.engine.kohya.writing import to_kohya


@pytest.mark.parametrize(
    ("rates", "unet", "text"),
    [
        ({"learning_rate": 1e-4, "unet_lr": 2e-4}, 2e-4, 1e-4),
        ({"unet_lr": 2e-4}, 2e-4, 2e-6),
        ({"learning_rate": 1e-4, "text_encoder_lr": 0}, 1e-4, None),
        ({"learning_rate": 1e-4, "text_encoder_lr": [0, 0]}, 1e-4, None),
        ({"learning_rate": 1e-4, "text_encoder_lr": "5e-5"}, 1e-4, 5e-5),
    ],
)
def test_the_text_encoder_has_the_rate_that_kohyas_scripts_give_it(
    rates: dict[str, object], unet: float, text: float | None
) -> None:
    found = from_kohya({"network_module": "networks.lora", **rates})
    config = TrainConfig.parse(found.settings)
    assert config.learning_rate == unet
    assert config.train_text_encoder == (text is not None)
    assert config.text_encoder_learning_rate == text
    assert found.report == ()


@pytest.mark.parametrize(
    ("optimizer", "decay", "beta2"),
    [
        ("AdamW8bit", 0.01, 0.999),
        ("Lion8bit", 0.0, 0.99),
        ("Prodigy", 0.0, 0.999),
        ("SGDNesterov", 0.0, 0.999),
        ("AdaFactor", 0.0, 0.999),
    ],
)
def test_optimizers_do_what_kohyas_do_without_arguments(
    optimizer: str, decay: float, beta2: float
) -> None:
    given = {"network_dim": 8, "optimizer_type": optimizer}
    config = TrainConfig.parse(from_kohya(given).settings)
    assert (config.weight_decay, config.beta2) == (decay, beta2)
    told = {**given, "optimizer_args": ["weight_decay=0.2", "betas=0.8,0.9"]}
    config = TrainConfig.parse(from_kohya(told).settings)
    assert (config.weight_decay, config.beta2) == (0.2, 0.9)


def test_the_rate_of_an_optimizer_that_is_not_here_is_not_given_to_another() -> None:
    given = {"network_dim": 8, "optimizer_type": "DAdaptAdam", "unet_lr": 1, "text_encoder_lr": 0.5}
    found = from_kohya(given)
    config = TrainConfig.parse(found.settings)
    usual = TrainConfig.parse({})
    assert (config.optimizer, config.learning_rate) == (usual.optimizer, usual.learning_rate)
    assert config.text_encoder_learning_rate is None
    assert [sentence.split()[0] for sentence in found.report] == [
        "optimizer_type",
        "learning_rate",
        "text_encoder_learning_rate",
    ]
    prodigy = TrainConfig.parse(from_kohya({**given, "optimizer_type": "Prodigy"}).settings)
    assert (prodigy.learning_rate, prodigy.text_encoder_learning_rate) == (1, 0.5)


def test_captions_that_are_not_read_here_are_told() -> None:
    for ending in (".txt", ".caption"):
        assert from_kohya({"network_dim": 8, "caption_extension": ending}).report == ()
    (told,) = from_kohya({"network_dim": 8, "caption_extension": ".cap"}).report
    assert told.startswith("caption_extension = '.cap' is no ending of captions here")


def test_a_second_text_encoder_with_the_rate_0_rests_as_in_sdxl_train() -> None:
    given = {"sdxl": True, "train_text_encoder": True, "learning_rate_te2": 0}
    read = from_kohya(given | {"learning_rate_te1": 1e-6})
    assert read.report == ()
    config = TrainConfig.parse(read.settings)
    assert [config.trains_text_encoder(number) for number in (0, 1)] == [True, False]
    assert tomllib.loads(to_kohya(config))["learning_rate_te2"] == 0


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ([0, 5e-5], "The second text encoder is not trained without the first here; both rest."),
        ([0, "fast"], "text_encoder_lr = [0, 'fast'] could not be read whole and was left out."),
    ],
)
def test_a_second_text_encoder_that_cannot_be_had_alone_is_told_of(
    rates: list[object], told: str
) -> None:
    read = from_kohya({"network_module": "networks.lora", "text_encoder_lr": rates})
    assert told in read.report
    assert not read.settings["train_text_encoder"]
    assert "text_encoder_2_learning_rate" not in read.settings
