"""What of our settings kohya's scripts have no word for, in sentences. Torch-free."""

from __future__ import annotations

from training.engine.config.train import TrainConfig
from training.engine.emphasis import networks_in
from training.engine.kohya.names import SAMPLERS
from training.engine.kohya.network import SD_BLOCKS, XL_BLOCKS
from training.engine.schedule import parse_rate_list

ALL_TARGETS = 3


def left_out_for_kohya(config: TrainConfig) -> list[str]:
    """Return a sentence for each setting that the exported settings cannot say."""
    facts = _of_data(config) | _of_learning(config) | _of_method(config)
    return [sentence for sentence, holds in facts.items() if holds]


def _of_data(config: TrainConfig) -> dict[str, bool]:
    manifest, captions = config.dataset_manifest, config.captions
    return {
        "The data set is a manifest, which kohya's scripts do not read: name a folder of pictures "
        "as train_data_dir.": manifest.endswith(".json"),
        f"The trigger word {captions.trigger_word!r} is put into no caption by kohya's scripts: "
        "write it into them.": bool(captions.trigger_word),
        "Pictures are cut from the middle there, not around what stands out.": config.crop
        == "focal",
        "Missing class pictures are not made there: fill reg_data_dir.": config.prior.enabled,
    }


def _of_learning(config: TrainConfig) -> dict[str, bool]:
    listed = len(parse_rate_list(str(config.learning_rate)).parts) > 1
    known = config.sampling.sampler in SAMPLERS.values()
    return {
        "Of the list of learning rates the first is written.": listed,
        "There is no running average (EMA) there.": config.ema.enabled,
        "An adaptive scale of the noise offset needs an offset there.": bool(
            config.adaptive_noise_scale
        )
        and not config.noise_offset,
        "Files that sample prompts name (<lora:…> and its like) are words there.": any(
            networks_in(line) for line in config.sample_prompts
        ),
        f"The sampler {config.sampling.sampler} is not there; DPM++ 2M is written.": not known,
    }


def _of_method(config: TrainConfig) -> dict[str, bool]:
    network, word = config.network, config.textual_inversion
    is_lora = config.method == "lora"
    stops = config.text_encoder_stop_fraction < 1 and config.train_text_encoder
    named = {*SD_BLOCKS, *XL_BLOCKS}
    whole = isinstance(word.templates, str) and word.templates in ("captions", "subject", "style")
    is_word = config.method == "textual_inversion"
    return {
        "A text encoder that stops is not known there for networks.": stops and is_lora,
        "The second text encoder of a network has the rate of the first there.": is_lora
        and config.train_text_encoder
        and config.text_encoder_2_learning_rate is not None,
        "When the text encoder stops is counted in steps there, which epochs do not tell.": stops
        and config.method == "dreambooth"
        and not config.max_steps,
        "All parts of the transformer blocks are adapted there.": is_lora
        and len(set(network.targets)) < ALL_TARGETS,
        "Ranks of parts that are no blocks of kohya's are left out.": is_lora
        and bool(set(network.block_dims) - named),
        "Sentences around the word are those of kohya's scripts.": is_word and not whole,
        "The vectors' length is not kept there.": is_word and word.preserve_norm,
    }
