"""The words that the texts of the made-up models are put together from."""

from models_registry.search_text import index_words

ADJECTIVES = ["soft", "neon", "vintage", "rough", "pastel", "dark", "shiny", "quiet", "wild",
              "paper", "golden", "misty", "retro", "liquid", "frozen", "crystal"]  # fmt: skip
THINGS = ["portrait", "dragon", "city", "armour", "anime", "landscape", "ink", "clay", "robot",
          "dress", "forest", "pixel", "castle", "watercolour", "ship", "garden"]  # fmt: skip
CHINESE = ["水墨风格", "国风人物", "赛博朋克", "山水画", "古装少女", "机甲"]
#: The same, as the registry writes them into the words that are searched.
CHINESE_INDEXED = [index_words([word]) for word in CHINESE]
ADVICE = [
    "Works best at a weight between **0.6** and **0.9**; above that hands suffer.",
    "Trained on 42 pictures with captions by hand. See the [notes](https://example.org/notes).",
    "- use a simple background\n- add `masterpiece` only with the anime bases\n- clip skip 2",
    "Please show what you make with it. It mixes well with styles of ink and watercolour.",
    "Do not sell the files; pictures are yours. *Thanks* to everybody who sent examples.",
]
PROMPT_TAIL = "masterpiece, best quality, soft light, detailed background, looking at viewer"
NEGATIVE = "lowres, bad anatomy, bad hands, text, error, worst quality, jpeg artifacts, watermark"
PLACEHOLDER = "data:image/webp;base64," + "UklGRpYAAABXRUJQVlA4IIoAAADQAwCdASoQABAA" * 4
BLURHASH = "LEHV6nWB2yk8pyo0adR*.7kCMdnj"
