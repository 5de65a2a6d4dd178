"""Names and texts of the demo content."""

from training.base_models.tiny.location import known_subjects

TEAM_NAME = "Demo studio"
BASE_NAME = "Atelier Tiny"
GALLERY_TITLE = "What the bundled base draws"
BASE_ABOUT = """\
The base model that ships with Atelier: a real latent-diffusion model of 128 px, trained from
nothing on icon sets of permissive licence, small enough to train on a laptop's CPU.

It knows a small world and nothing else; the training page lists its subjects, styles and
backgrounds. Write prompts as `a fox, flat style, blue background`, with CFG 2.5.

Credits, recipe and honest figures are in `training/base_models/tiny/`.
"""
LORA_ABOUT = """\
Neon outlines on a dark ground, a style that the base has never seen. Trained by the demo on this
hub; the training run shows its loss and how the samples changed.

Put **neon style** where the style stands: `a penguin, neon style`.
"""
GALLERY_PICTURES = 12
STYLE_SAMPLES = 4
CFG = 2.5


def gallery_prompts() -> list[str]:
    """Prompts over what the base knows: every style in turn, another subject and ground each."""
    known = known_subjects()
    step = max(1, len(known.subjects) // GALLERY_PICTURES)
    return [
        f"{with_article(subject)}, {known.styles[number % len(known.styles)]}, "
        f"{known.backgrounds[7 * number % len(known.backgrounds)]} background "
        f"--d {11 + number} --l {CFG}"
        for number, subject in enumerate(known.subjects[::step][:GALLERY_PICTURES])
    ]


def style_prompts(trigger: str) -> list[str]:
    """Sample prompts that put a new style on subjects the base knows."""
    subjects = known_subjects().subjects
    step = max(1, len(subjects) // STYLE_SAMPLES)
    chosen = subjects[::step][:STYLE_SAMPLES]
    return [f"{with_article(word)}, {trigger} --d {at}" for at, word in enumerate(chosen, 1)]


def with_article(subject: str) -> str:
    """The subject as captions name it."""
    if subject.endswith("s") and not subject.endswith("ss"):
        return subject
    return f"an {subject}" if subject[0] in "aeiou" else f"a {subject}"
