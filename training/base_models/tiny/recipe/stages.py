"""The stages of the recipe in order; each reads and writes the workshop folder."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from PIL import Image

from training.base_models.tiny.location import (
    CHECKSUMS,
    TINY_ROOT,
    tiny_base_dir,
    tiny_demo_dir,
)
from training.base_models.tiny.recipe import manifest
from training.base_models.tiny.recipe.analytic_vae import analytic_autoencoder, encode
from training.base_models.tiny.recipe.captions import noun_phrase
from training.base_models.tiny.recipe.demo import (
    source_package,
    write_style_dataset,
    write_subject_dataset,
)
from training.base_models.tiny.recipe.evaluate import (
    Retrieval,
    choose_scenes,
    evaluate,
    save_scores,
)
from training.base_models.tiny.recipe.export import (
    assemble_pipeline,
    export_pipeline,
    write_checksums,
)
from training.base_models.tiny.recipe.library import Library, build_library, plain_pictures
from training.base_models.tiny.recipe.network import CompactTokens
from training.base_models.tiny.recipe.pace import ClockPace
from training.base_models.tiny.recipe.pictures import sheet, to_tensor
from training.base_models.tiny.recipe.pool import Pool, build_pool, load_icon_sets
from training.base_models.tiny.recipe.refine_decoder import draw_latents, refine_decoder
from training.base_models.tiny.recipe.sampling import draw, use_dpm_solver
from training.base_models.tiny.recipe.sitting import (
    Sitting,
    load_training_set,
    prepare_process,
    run_sitting,
)
from training.base_models.tiny.recipe.tokenizer import download_merges, write_tokenizer
from training.base_models.tiny.recipe.train_decoder import train_decoder
from training.base_models.tiny.recipe.train_unet import UnetOptions, UnetTrainer
from training.base_models.tiny.recipe.workshop import Workshop
from training.base_models.tiny.recipe.world import HUES, TRAINED_SUBJECTS

log = logging.getLogger(__name__)

REFINE_PICTURES: Final = 800
EVALUATED: Final = 200
GRID_COLUMNS: Final = 10


@dataclass(frozen=True)
class Duration:
    """Minutes of a stage that trains, and how many of them anneal."""

    minutes: float
    anneal_minutes: float = 0.0

    def pace(self) -> ClockPace:
        """Start the clock."""
        return ClockPace(self.minutes * 60, self.anneal_minutes * 60)


def build_data(shop: Workshop) -> None:
    """Fetch icons and vocabulary; draw the pool and the library; fit the analytic autoencoder."""
    shop.root.mkdir(parents=True, exist_ok=True)
    write_tokenizer(download_merges(shop.packages), shop.tokenizer)
    sets = load_icon_sets(shop.packages)
    pool = build_pool(sets)
    pool.save(shop.pool)
    np.save(shop.library, build_library(sets))
    vae = analytic_autoencoder(to_tensor(plain_pictures(sets)))
    vae.save_pretrained(shop.analytic_vae)
    np.save(shop.latents, encode(vae, pool.pictures))
    log.info("pool %s, held out %d", pool.pictures.shape, len(pool.held_out))


def decoder(shop: Workshop, duration: Duration) -> None:
    """Train the decoder from the analytic start."""
    prepare_process()
    vae = AutoencoderKL.from_pretrained(shop.analytic_vae)
    quality = train_decoder(vae, Library(shop.library), duration.pace(), shop.trained_vae)
    log.info("decoder: %.2f dB", quality)


def unet(shop: Workshop, duration: Duration, workers: int, resume: Path | None) -> None:
    """Train the UNet and the text encoder for one sitting."""
    run_sitting(Sitting(shop, duration.pace(), UnetOptions(), workers, resume))


def refine(shop: Workshop, duration: Duration) -> None:
    """Refine the decoder on the UNet's own latents, from the trained or else the shipped one."""
    prepare_process()
    trained = shop.trained_vae.exists()
    pipeline = _assemble(shop, shop.trained_vae if trained else tiny_base_dir() / "vae")
    pool = Pool.load(shop.pool).lesson()
    drawn = draw_latents(pipeline, pool, load_training_set(shop).latents, REFINE_PICTURES)
    refine_decoder(pipeline.vae, drawn, Library(shop.library), duration.pace(), shop.refined_vae)


def judge(shop: Workshop, weights: Path, out: Path) -> None:
    """Score exported weights on trained and never-trained scenes; write figures and grids."""
    prepare_process()
    pipeline = StableDiffusionPipeline.from_pretrained(
        weights, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    use_dpm_solver(pipeline)
    pool = Pool.load(shop.pool).lesson()
    retrieval = Retrieval(load_icon_sets(shop.packages))
    out.mkdir(parents=True, exist_ok=True)
    scores = {}
    for name, scenes in (("trained", pool.scenes), ("never_trained", pool.held_out)):
        chosen = choose_scenes(scenes, EVALUATED, seed=11)
        scores[name], pictures = evaluate(pipeline, retrieval, chosen)
        log.info("%s %s", name, scores[name])
        save_grid(sheet(pictures[: 6 * GRID_COLUMNS], GRID_COLUMNS), out / f"{name}.webp")
    save_scores(scores, out / "figures.json")
    shown = draw(pipeline, colour_prompts(), list(range(2 * GRID_COLUMNS)))
    save_grid(sheet(shown, GRID_COLUMNS), out / "colours.webp")


def colour_prompts() -> list[str]:
    """Return prompts that ask for subjects in other colours than their own."""
    rng = np.random.default_rng(5)
    wishes = [(subject, hue) for subject in TRAINED_SUBJECTS for hue in HUES]
    chosen = [wishes[i] for i in rng.permutation(len(wishes))[: 2 * GRID_COLUMNS]]
    return [f"{noun_phrase(subject, hue)}, flat style" for subject, hue in chosen]


def save_grid(grid: Image.Image, path: Path) -> None:
    """Write a grid as a small WebP."""
    grid.save(path, quality=88, method=6)


def demo(shop: Workshop) -> None:
    """Draw the two demonstration datasets."""
    icons = load_icon_sets(shop.packages)[source_package()]
    write_style_dataset(icons, tiny_demo_dir())
    write_subject_dataset(icons, tiny_demo_dir())


def install(shop: Workshop) -> None:
    """Write the shipped weights, their checksums and `subjects.json`."""
    export_pipeline(_assemble(shop, shop.refined_vae), shop.tokenizer, tiny_base_dir())
    write_checksums(tiny_base_dir(), TINY_ROOT / CHECKSUMS)
    manifest.write(TINY_ROOT / manifest.FILE)


def _assemble(shop: Workshop, vae: Path) -> StableDiffusionPipeline:
    tokens = CompactTokens.load(shop.tokenizer)
    trainer = UnetTrainer(tokens, load_training_set(shop), UnetOptions())
    trainer.load_state(torch.load(shop.unet_state, weights_only=True))
    return assemble_pipeline(trainer, AutoencoderKL.from_pretrained(vae), shop.tokenizer)
