"""The small world of the bundled base: its subjects, styles, backgrounds and colours.

Everything else (captions, training pool, evaluation, `subjects.json`) is derived from these tables.
The pool holds all of it; the weights learn it in lessons, one sitting after another, and only what
the shipped weights have learned counts as known.
"""

from typing import Final

RGB = tuple[int, int, int]

SUBJECTS: Final[dict[str, str]] = {
    # icon name in the sets -> the words used in captions
    "cat-face": "cat",
    "dog-face": "dog",
    "fox": "fox",
    "panda": "panda",
    "frog": "frog",
    "pig-face": "pig",
    "bear": "bear",
    "lion": "lion",
    "koala": "koala",
    "monkey-face": "monkey",
    "rabbit-face": "rabbit",
    "penguin": "penguin",
    "butterfly": "butterfly",
    "fish": "fish",
    "octopus": "octopus",
    "spouting-whale": "whale",
    "sunflower": "sunflower",
    "cactus": "cactus",
    "mushroom": "mushroom",
    "banana": "banana",
    "watermelon": "watermelon",
    "strawberry": "strawberry",
    "carrot": "carrot",
    "pizza": "pizza",
    "hamburger": "hamburger",
    "red-apple": "apple",
    "cherries": "cherries",
    "pineapple": "pineapple",
    "avocado": "avocado",
    "doughnut": "doughnut",
    "cupcake": "cupcake",
    "evergreen-tree": "pine tree",
    "tulip": "tulip",
    "rocket": "rocket",
    "snowman-without-snow": "snowman",
    "ghost": "ghost",
    "alien": "alien",
    "rainbow": "rainbow",
    "bell": "bell",
    "automobile": "car",
    "red-heart": "heart",
    "grinning-face": "happy face",
    "light-bulb": "light bulb",
    "house": "house",
    "sailboat": "sailboat",
    "balloon": "balloon",
    "wrapped-gift": "gift",
    "jack-o-lantern": "pumpkin",
    "crown": "crown",
    "star": "star",
}

TRAINED_SUBJECTS: Final[tuple[str, ...]] = tuple(sorted(SUBJECTS.values()))
"""The subjects of the lesson so far, in the words of captions."""

TRAINED_STYLES: Final[tuple[str, ...]] = (
    "cartoon style",
    "flat style",
    "pixel style",
    "sketch style",
)

NEW_IN_LESSON: Final[frozenset[str]] = frozenset()
"""Subjects and styles that a later lesson adds to the weights it starts from; shown more often."""

SHOWCASE: Final[tuple[str, ...]] = (
    # prompts that show the base at its best; the demonstration draws them
    "a cat, cartoon style, teal background",
    "a frog, flat style, pink background",
    "a whale, sketch style, red background",
    "a hamburger, cartoon style, white background",
    "a mushroom, pixel style, green background",
    "a doughnut, cartoon style, black background",
    "a rocket, flat style, yellow background",
    "a house, sketch style, teal background",
    "a butterfly, cartoon style, white background",
    "a gift, pixel style, purple background",
    "a pumpkin, sketch style, orange background",
    "a sunflower, flat style, blue background",
)

UNSEEN_SUBJECTS: Final[dict[str, str]] = {"owl": "owl", "turtle": "turtle", "robot": "robot"}

STYLES: Final[dict[str, str]] = {
    # words used in captions -> icon set that the pictures are drawn from
    "cartoon style": "noto",
    "glossy style": "fluent-emoji",
    "flat style": "fluent-emoji-flat",
    "pixel style": "fluent-emoji-flat",
    "sketch style": "fluent-emoji-flat",
}

UNSEEN_STYLES: Final[tuple[str, ...]] = ("neon style",)

BACKGROUNDS: Final[dict[str, RGB]] = {
    "white": (255, 255, 255),
    "black": (16, 16, 18),
    "grey": (128, 130, 134),
    "red": (214, 48, 49),
    "orange": (240, 140, 30),
    "yellow": (250, 215, 70),
    "green": (60, 170, 90),
    "blue": (50, 110, 210),
    "purple": (125, 70, 180),
    "pink": (250, 165, 195),
    "brown": (120, 80, 50),
    "teal": (50, 175, 180),
}

HUES: Final[dict[str, int]] = {
    # colours that a subject can be asked in ("a blue fox") -> hue in degrees
    "red": 0,
    "orange": 28,
    "yellow": 52,
    "green": 125,
    "teal": 180,
    "blue": 215,
    "purple": 275,
    "pink": 325,
}

PICTURE_PIXELS: Final = 128
ICON_PIXELS: Final = 128

HELD_OUT_BACKGROUNDS: Final = 3
"""Backgrounds per (subject, style) pair that are never trained; evaluation asks for them."""
