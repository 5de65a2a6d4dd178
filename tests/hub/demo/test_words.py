"""What the demo says about its base."""

from hub.demo.words import base_about
from training.base_models.tiny.location import known_subjects


def test_the_card_of_the_base_names_everything_that_it_knows() -> None:
    about, known = base_about(), known_subjects()
    for word in (*known.subjects, *known.styles, *known.backgrounds, *known.colours):
        assert word in about
