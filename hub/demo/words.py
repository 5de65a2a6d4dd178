"""Names and texts of the demo content."""

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
PROMPTS = (
    "a fox, flat style, blue background --d 11 --l 2.5",
    "a penguin, cartoon style, white background --d 12 --l 2.5",
    "a strawberry, pixel style, green background --d 13 --l 2.5",
    "a cat, sketch style, yellow background --d 14 --l 2.5",
    "a rocket, flat style, purple background --d 15 --l 2.5",
    "a panda, cartoon style, teal background --d 16 --l 2.5",
    "a mushroom, flat style, pink background --d 17 --l 2.5",
    "a house, sketch style, orange background --d 18 --l 2.5",
    "a snowman, pixel style, blue background --d 19 --l 2.5",
    "a sailboat, cartoon style, grey background --d 20 --l 2.5",
    "a star, flat style, black background --d 21 --l 2.5",
    "a watermelon, cartoon style, red background --d 22 --l 2.5",
)
SAMPLE_PROMPTS = (
    "a penguin, neon style --d 1",
    "a star, neon style --d 2",
    "a fox, neon style --d 3",
    "a snowman, neon style --d 4",
)
