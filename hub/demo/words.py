"""Names and texts of the demo content."""

from training.base_models.tiny.location import known_subjects

TEAM_NAME = "Demo studio"
BASE_NAME = "Atelier Tiny"
GALLERY_TITLE = "What the bundled base draws"
BASE_ABOUT = """\
The base model that ships with Atelier: a real latent-diffusion model of 128 px, trained from
nothing on icon sets of permissive licence, small enough to train on a laptop's CPU.

It knows a small world and nothing else. Write prompts as `a fox, flat style, blue background`, or
`a red balloon, pixel style, white background`, with CFG 2.5.

- **Subjects:** {subjects}
- **Styles:** {styles}
- **Backgrounds:** {backgrounds}
- **Colours:** {colours}

Other words have no meaning to it, and a subject that is not in this list has to be trained.

Credits, recipe and honest figures are in `training/base_models/tiny/`.
"""
LORA_ABOUT = """\
Neon outlines on a dark ground, a style that the base has never seen. Trained by the demo on this
hub; the training run shows its loss and how the samples changed.

Put **neon style** where the style stands: `a penguin, neon style`.
"""
DREAMBOOTH_ABOUT = """\
The bundled base with all its weights trained to know an owl, which it had never seen. Trained by
the demo on this hub from 24 pictures, with other subjects between so that it does not forget
them (prior preservation).

Write **a sks owl** where the subject stands: `a sks owl, cartoon style, blue background`, with
CFG 2.5.
"""
STYLE_SUBJECTS = ("an alien", "a cat", "a fox", "a rocket")  # two of the dataset, two not
OWL_GROUNDS = ("white", "blue", "yellow")
CFG = 2.5


def base_about() -> str:
    """The card of the base, with everything that it knows by name."""
    known = known_subjects()
    return BASE_ABOUT.format(
        subjects=", ".join(known.subjects),
        styles=", ".join(known.styles),
        backgrounds=", ".join(known.backgrounds),
        colours=", ".join(known.colours),
    )


def gallery_prompts() -> list[str]:
    """The showcase of the base: prompts whose pictures were looked at on these weights."""
    showcase = enumerate(known_subjects().showcase)
    return [f"{prompt} --d {11 + number} --l {CFG}" for number, prompt in showcase]


def style_prompts(trigger: str) -> list[str]:
    """Sample prompts that put a new style on subjects the base knows."""
    return [f"{subject}, {trigger} --d {at}" for at, subject in enumerate(STYLE_SUBJECTS, 1)]


def subject_prompts(trigger: str) -> list[str]:
    """Sample prompts that show a new subject on three grounds, and one that the base knew."""
    drawn = [f"a {trigger}, cartoon style, {ground} background" for ground in OWL_GROUNDS]
    return [f"{prompt} --d {at}" for at, prompt in enumerate([*drawn, "a fox"], 1)]
