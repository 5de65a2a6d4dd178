"""The rows of the table of presets; see presets.py for what they mean. Torch-free."""

from __future__ import annotations

from training.base_models.tiny.location import known_subjects
from training.engine.presets.preset import KINDS, Preset


def with_article(subject: str) -> str:
    """A subject as prompts for the bundled base name it: an owl, a cat, cherries."""
    if subject.endswith("s") and not subject.endswith("ss"):
        return subject
    return f"an {subject}" if subject[0] in "aeiou" else f"a {subject}"


def _tiny_class_prompts(count: int = 16) -> list[str]:
    """Return prompts over the subjects, styles and backgrounds that the bundled model knows."""
    known = known_subjects()
    subjects = known.subjects[:: max(1, len(known.subjects) // count)][:count]
    styles, backgrounds = known.styles, known.backgrounds
    return [
        f"{with_article(subject)}, {styles[number % len(styles)]}, "
        f"{backgrounds[5 * number % len(backgrounds)]} background"
        for number, subject in enumerate(subjects)
    ]


_TINY = {
    "resolution": 128,
    "batch_size": 8,
    "scheduler": "linear",
    "min_learning_rate_ratio": 0.1,
    "warmup_steps": 8,
    "sampling": {"sampler": "DPM++ 2M", "steps": 20, "guidance": 2.5, "at_start": True},
    "captions": {"dropout": 0.08},
}
_TINY_STYLE = {**_TINY, "captions": {"dropout": 0.08, "trigger_place": "last"}}
_SD1 = {
    "resolution": 512,
    "batch_size": 2,
    "clip_skip": 1,
    "snr_gamma": 5.0,
    "sampling": {"sampler": "DPM++ 2M Karras", "steps": 24, "guidance": 7.0},
}
_SDXL = {
    "resolution": 1024,
    "batch_size": 1,
    "snr_gamma": 5.0,
    "gradient_checkpointing": True,
    "sampling": {"sampler": "DPM++ 2M Karras", "steps": 28, "guidance": 6.0},
}
_COSINE = {"scheduler": "cosine_with_restarts", "warmup_steps": 50}

PRESETS: tuple[Preset, ...] = (
    Preset(
        id="tiny-lora-style",
        method="lora",
        family="tiny",
        kinds=("style",),
        title="A style, in about three minutes",
        sentence="Learns how things are drawn from 15 to 30 pictures. Made for the bundled model, "
        "runs on any computer.",
        steps=240,
        steps_per_image=10,
        device="cpu",
        settings={
            **_TINY_STYLE,
            "learning_rate": 2e-3,
            "scheduler": "cosine",
            "network": {"dim": 16, "alpha": 16.0, "conv_dim": 16, "conv_alpha": 16.0},
        },
    ),
    Preset(
        id="tiny-lora-subject",
        method="lora",
        family="tiny",
        kinds=("character", "object", "clothing"),
        title="A subject, in about three minutes",
        sentence="Learns one thing from 8 to 20 pictures and teaches the text encoder its name. "
        "Made for the bundled model, runs on any computer.",
        steps=190,
        steps_per_image=12,
        device="cpu",
        settings={
            **_TINY,
            "learning_rate": 2e-3,
            "train_text_encoder": True,
            "text_encoder_learning_rate": 1e-3,
            "network": {"dim": 16, "alpha": 16.0, "conv_dim": 8, "conv_alpha": 8.0},
        },
    ),
    Preset(
        id="tiny-dreambooth",
        method="dreambooth",
        family="tiny",
        kinds=("character", "object", "clothing"),
        title="A subject with all weights, in about three minutes",
        sentence="Changes the whole bundled model to know one thing, and shows it other things "
        "between so that it does not forget them. Runs on any computer.",
        steps=220,
        steps_per_image=13,
        device="cpu",
        settings={
            **_TINY,
            "batch_size": 4,
            "learning_rate": 3e-4,
            "train_text_encoder": True,
            "text_encoder_learning_rate": 3e-4,
            "captions": {"dropout": 0.0},
            "prior": {
                "enabled": True,
                "images": 16,
                "steps": 20,
                "guidance": 2.5,
                "prompts": _tiny_class_prompts(),
            },
        },
    ),
    Preset(
        id="tiny-textual-inversion",
        method="textual_inversion",
        family="tiny",
        kinds=KINDS,
        title="A word, in about three minutes",
        sentence="Finds a word for what the bundled model can almost draw already: outline, "
        "colours and posture, not details. Begin from the nearest thing it knows.",
        steps=300,
        steps_per_image=0,
        device="cpu",
        settings={
            **_TINY,
            "captions": {"dropout": 0.0},
            "learning_rate": 3e-3,
            "textual_inversion": {
                "vectors": 4,
                "preserve_norm": False,
                "initial_text": "brown bear",
            },
        },
    ),
    Preset(
        id="tiny-hypernetwork",
        method="hypernetwork",
        family="tiny",
        kinds=("style",),
        title="A hypernetwork, in about three minutes",
        sentence="Small networks that colour every prompt, in the form of A1111. "
        "Made for the bundled model.",
        steps=190,
        steps_per_image=0,
        device="cpu",
        settings={**_TINY_STYLE, "learning_rate": 2e-3},
    ),
    Preset(
        id="sd1-lora",
        method="lora",
        family="sd1",
        kinds=KINDS,
        title="Balanced LoRA",
        sentence="Rank 32 on the attention and feed-forward layers and a careful text encoder: "
        "what most published SD 1.5 LoRA files use.",
        steps=2000,
        steps_per_image=100,
        device="cuda",
        settings={
            **_SD1,
            **_COSINE,
            "learning_rate": 1e-4,
            "train_text_encoder": True,
            "text_encoder_learning_rate": 1e-5,
            "noise_offset": 0.05,
            "network": {"dim": 32, "alpha": 16.0},
        },
    ),
    Preset(
        id="sd1-lora-style",
        method="lora",
        family="sd1",
        kinds=("style",),
        title="Style LoRA with convolutions",
        sentence="Adapters on the convolutions too, for brush strokes and line work; the text "
        "encoder stands still.",
        steps=2500,
        steps_per_image=60,
        device="cuda",
        settings={
            **_SD1,
            **_COSINE,
            "learning_rate": 1e-4,
            "network": {"dim": 32, "alpha": 16.0, "conv_dim": 8, "conv_alpha": 4.0},
        },
    ),
    Preset(
        id="sd1-lora-quick",
        method="lora",
        family="sd1",
        kinds=KINDS,
        title="Quick LoRA",
        sentence="A small file after a short run, to see whether the pictures are good enough.",
        steps=800,
        steps_per_image=40,
        device="cuda",
        settings={**_SD1, **_COSINE, "learning_rate": 3e-4, "network": {"dim": 16, "alpha": 8.0}},
    ),
    Preset(
        id="sd1-dreambooth",
        method="dreambooth",
        family="sd1",
        kinds=("character", "object", "clothing"),
        title="DreamBooth with prior preservation",
        sentence="A full checkpoint that knows one subject; class pictures keep the rest of the "
        "model as it was.",
        steps=1200,
        steps_per_image=100,
        device="cuda",
        settings={
            **_SD1,
            "batch_size": 1,
            "snr_gamma": 0.0,
            "learning_rate": 2e-6,
            "scheduler": "constant",
            "train_text_encoder": True,
            "text_encoder_learning_rate": 1e-6,
            "text_encoder_stop_fraction": 0.5,
            "gradient_checkpointing": True,
            "prior": {"enabled": True, "images": 200, "steps": 25, "guidance": 7.0},
        },
    ),
    Preset(
        id="sd1-textual-inversion",
        method="textual_inversion",
        family="sd1",
        kinds=KINDS,
        title="Embedding of six vectors",
        sentence="A few kilobytes that any SD 1.5 model understands; weaker than a LoRA.",
        steps=2500,
        steps_per_image=0,
        device="cuda",
        settings={
            **_SD1,
            "snr_gamma": 0.0,
            "learning_rate": "0.005:1000, 0.002:2000, 0.0005",
            "scheduler": "constant",
            "textual_inversion": {"vectors": 6, "templates": "subject_captions"},
        },
    ),
    Preset(
        id="sd1-hypernetwork",
        method="hypernetwork",
        family="sd1",
        kinds=("style",),
        title="Hypernetwork with swish",
        sentence="A1111's form, for collections that still use it; a LoRA is usually better.",
        steps=5000,
        steps_per_image=0,
        device="cuda",
        settings={
            **_SD1,
            "snr_gamma": 0.0,
            "learning_rate": 1e-5,
            "scheduler": "constant",
            "hypernetwork": {"dropout": [0.0, 0.1, 0.0]},
        },
    ),
    Preset(
        id="sd2-lora",
        method="lora",
        family="sd2",
        kinds=KINDS,
        title="Balanced LoRA at 768",
        sentence="For the SD 2.1 models that predict velocity.",
        steps=2000,
        steps_per_image=100,
        device="cuda",
        settings={
            **_SD1,
            **_COSINE,
            "resolution": 768,
            "learning_rate": 1e-4,
            "network": {"dim": 32, "alpha": 16.0},
        },
    ),
    Preset(
        id="sdxl-lora",
        method="lora",
        family="sdxl",
        kinds=KINDS,
        title="LoRA at 1024, UNet only",
        sentence="The text encoders stand still, so their work is done once; fits a card of 12 GB.",
        steps=2000,
        steps_per_image=80,
        device="cuda",
        settings={
            **_SDXL,
            **_COSINE,
            "learning_rate": 1e-4,
            "network": {"dim": 16, "alpha": 8.0},
        },
    ),
    Preset(
        id="sdxl-lora-prodigy",
        method="lora",
        family="sdxl",
        kinds=KINDS,
        title="LoRA that finds its own rate",
        sentence="Prodigy chooses the learning rate; slower, and hard to get wrong.",
        steps=2000,
        steps_per_image=80,
        device="cuda",
        settings={
            **_SDXL,
            "optimizer": "prodigy",
            "scheduler": "cosine",
            "learning_rate": 1.0,
            "network": {"dim": 16, "alpha": 16.0},
        },
    ),
    Preset(
        id="sdxl-dreambooth",
        method="dreambooth",
        family="sdxl",
        kinds=("character", "object", "clothing"),
        title="DreamBooth at 1024, UNet only",
        sentence="A full SDXL checkpoint; needs a card of 40 GB or more.",
        steps=1200,
        steps_per_image=80,
        device="cuda",
        settings={
            **_SDXL,
            "snr_gamma": 0.0,
            "optimizer": "adafactor",
            "scheduler": "constant",
            "warmup_steps": 100,
            "learning_rate": 4e-7,
            "prior": {"enabled": True, "images": 100, "steps": 25, "guidance": 6.0},
        },
    ),
    Preset(
        id="sdxl-textual-inversion",
        method="textual_inversion",
        family="sdxl",
        kinds=KINDS,
        title="Embedding for both text encoders",
        sentence="One word in the two encoders of SDXL.",
        steps=2000,
        steps_per_image=0,
        device="cuda",
        settings={
            **_SDXL,
            "snr_gamma": 0.0,
            "learning_rate": "0.005:800, 0.001:1600, 0.0005",
            "scheduler": "constant",
            "textual_inversion": {"vectors": 4, "templates": "subject_captions"},
        },
    ),
)
