"""From the settings of a run to the rules of its data, its noise and its loss."""

from __future__ import annotations

from dataclasses import replace

from training.engine.config.train import TrainConfig
from training.engine.data.batches import FeedRule, Item
from training.engine.data.captions import CaptionRule, template_sentences
from training.engine.data.fixed import FixedFeed
from training.engine.data.manifest import Manifest
from training.engine.method import Method
from training.engine.objective import LossRule, NoiseRule
from training.engine.runs.ground import Ground
from training.engine.runs.validation import Validation


def trigger_word(config: TrainConfig, manifest: Manifest) -> str:
    """Return the word that stands for what is learned: the settings', else the data set's."""
    own = config.captions.trigger_word
    return own if own is not None else manifest.trigger_word or ""


def feed_rule(ground: Ground, method: Method, manifest: Manifest, trigger: str) -> FeedRule:
    """Return how pictures become batches, which all processes take together."""
    config, components, among = ground.config, ground.components, ground.among
    vae = components.vae.config
    sampled = config.latent_sampling == "sample" or (
        config.latent_sampling == "auto" and not components.architecture.latents_are_means
    )
    return FeedRule(
        seed=config.seed,
        batch_size=config.batch_size * among.count,
        rank=among.rank,
        processes=among.count,
        accumulation=config.gradient_accumulation,
        captions=_caption_rule(config, method.new_word, manifest, trigger),
        sample_latents=sampled,
        scaling_factor=vae.scaling_factor,
        shift=getattr(vae, "shift_factor", None) or 0.0,
        prior_weight=config.prior.weight if config.prior.enabled else 0.0,
        device=components.device,
    )


def _caption_rule(
    config: TrainConfig, new_word: str, manifest: Manifest, trigger: str
) -> CaptionRule:
    captions = config.captions
    return CaptionRule(
        seed=config.seed,
        trigger_word=trigger,
        trigger_last=captions.trigger_place == "last",
        keep_tokens=captions.keep_tokens,
        shuffle=captions.shuffle,
        dropout=captions.dropout,
        dropout_every_epochs=captions.dropout_every_epochs,
        tag_dropout=captions.tag_dropout,
        tag_warmup_steps=captions.tag_warmup_steps,
        tag_warmup_min=captions.tag_warmup_min,
        separator=captions.separator,
        keep_separator=captions.keep_separator,
        secondary_separator=captions.secondary_separator,
        prefix=captions.prefix,
        suffix=captions.suffix,
        wildcards=captions.wildcards,
        templates=template_sentences(config.textual_inversion.templates) if new_word else (),
        token=new_word,
        replaced_word=manifest.trigger_word or "" if new_word else "",
    )


def noise_rule(config: TrainConfig) -> NoiseRule:
    """Return how noise and its levels are drawn."""
    return NoiseRule(
        seed=config.seed,
        offset=config.noise_offset,
        offset_varies=config.noise_offset_random,
        multires_layers=config.multires_noise_iterations,
        multires_discount=config.multires_noise_discount,
        perturbation=config.input_perturbation,
        adaptive_scale=config.adaptive_noise_scale,
        min_timestep=config.min_timestep,
        max_timestep=config.max_timestep,
    )


def loss_rule(config: TrainConfig) -> LossRule:
    """Return how a mistake is measured and weighed."""
    return LossRule(
        kind=config.loss,
        huber_delta=config.huber_delta,
        huber_schedule=config.huber_schedule,
        snr_gamma=config.snr_gamma,
        debiased=config.debiased_estimation,
        scale_velocity=config.scale_velocity_loss,
        velocity_like=config.velocity_like_loss,
    )


def validation_of(config: TrainConfig, rule: FeedRule, items: list[Item]) -> Validation | None:
    """Return what to measure on held-out pictures, whose texts never shuffle or drop anything."""
    settings = config.validation
    if not items:
        return None
    noise = NoiseRule(
        seed=settings.seed, min_timestep=config.min_timestep, max_timestep=config.max_timestep
    )
    fixed = replace(rule, captions=rule.captions.without_chance())
    feed = FixedFeed(items, fixed, settings.draws)
    return Validation(feed, noise, settings.every_steps, settings.every_epochs)
