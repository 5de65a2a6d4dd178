"""Command line: `python -m training.base_models.tiny.recipe STAGE`.

A full run from nothing: data, decoder, unet, refine, install, judge.
"""

import argparse
import json
import logging
from pathlib import Path

from training.base_models.tiny.location import TINY_ROOT, tiny_base_dir
from training.base_models.tiny.recipe import stages
from training.base_models.tiny.recipe.stages import Duration
from training.base_models.tiny.recipe.trial import PROMPTS, try_preset
from training.base_models.tiny.recipe.workshop import Workshop

PLAIN_STAGES = {"data": stages.build_data, "demo": stages.demo, "install": stages.install}


def build_parser() -> argparse.ArgumentParser:
    """Describe the stages and their options."""
    parser = argparse.ArgumentParser(prog="python -m training.base_models.tiny.recipe")
    parser.add_argument(
        "--workshop",
        type=Path,
        default=Path.home() / ".cache" / "atelier-tiny",
        help="folder for everything that can be made again",
    )
    stage = parser.add_subparsers(dest="stage", required=True)
    stage.add_parser("data", help="fetch icons, draw the pool, fit the analytic autoencoder")
    decoder = stage.add_parser("decoder", help="train the decoder")
    decoder.add_argument("--minutes", type=float, default=14)
    _add_unet(stage.add_parser("unet", help="train UNet and text encoder for one sitting"))
    refine = stage.add_parser("refine", help="refine the decoder on the UNet's latents")
    refine.add_argument("--minutes", type=float, default=6)
    stage.add_parser("demo", help="draw the demonstration datasets")
    stage.add_parser("install", help="write the shipped weights, checksums and subjects.json")
    judge = stage.add_parser("judge", help="score weights and write grids")
    judge.add_argument("--weights", type=Path, default=tiny_base_dir())
    judge.add_argument("--out", type=Path, default=TINY_ROOT / "grids")
    trial = stage.add_parser("trial", help="train with a preset on a demonstration dataset")
    trial.add_argument("preset")
    trial.add_argument("dataset", choices=sorted(PROMPTS))
    trial.add_argument("run_dir", type=Path)
    trial.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    return parser


def _add_unet(unet: argparse.ArgumentParser) -> None:
    unet.add_argument("--minutes", type=float, default=100)
    unet.add_argument("--anneal-minutes", type=float, default=25)
    unet.add_argument("--workers", type=int, default=2)
    unet.add_argument(
        "--resume",
        type=Path,
        help="a state file of an earlier sitting, or a folder of exported weights",
    )


def main() -> None:
    """Run one stage."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = build_parser().parse_args()
    shop = Workshop(options.workshop)
    match options.stage:
        case "data" | "demo" | "install":
            PLAIN_STAGES[options.stage](shop)
        case "decoder":
            stages.decoder(shop, Duration(options.minutes))
        case "unet":
            duration = Duration(options.minutes, options.anneal_minutes)
            stages.unet(shop, duration, options.workers, options.resume)
        case "refine":
            stages.refine(shop, Duration(options.minutes))
        case "judge":
            stages.judge(shop, options.weights, options.out)
        case "trial":
            pairs = (text.split("=", 1) for text in options.set)
            changes = {name: json.loads(value) for name, value in pairs}
            try_preset(options.preset, options.dataset, options.run_dir, changes)


if __name__ == "__main__":
    main()
