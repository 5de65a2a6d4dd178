"""Component tags: right markup, and nothing that people typed gets out of its place."""

from dataclasses import replace

import pytest
from django.template import Context, Template
from django.utils import translation

from frontend.contexts.components import FileRow, ImageCard, Label, ModelCard, Picture, TagRow
from frontend.contexts.lists import Choice, FilterGroup
from frontend.meter import Meter

EVIL = '"><script>alert(1)</script>'


def render(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


def card(**changes: object) -> ModelCard:
    facts = {"url": "/m/1", "title": "Yuki", "type_label": "LoRA", "base_model": "SDXL"}
    return ModelCard(**{**facts, "author_name": "linmo", "download_count": 2143, **changes})


def test_a_button_has_a_type_and_a_link_has_none() -> None:
    assert 'type="button"' in render('{% button "Pause" %}')
    assert render('{% button "Save" "primary" type="submit" %}').startswith(
        '<button class="btn primary" type="submit">'
    )
    link = render('{% button "Go" href="/models/" %}')
    assert link.startswith("<a ")
    assert "type=" not in link


def test_an_icon_alone_has_a_label_and_beside_a_word_none() -> None:
    assert 'aria-label="More"' in render('{% button "More" symbol="ellipsis" only_icon=True %}')
    assert "aria-label" not in render('{% button "Pause" symbol="pause" %}')
    assert 'aria-hidden="true"' in render('{% icon "box" %}')


def test_a_removable_chip_says_what_it_removes() -> None:
    assert 'aria-label="Remove filter: SDXL"' in render('{% chip "SDXL" removable=True %}')
    assert 'aria-pressed="false"' in render('{% chip "All" pressed=False %}')


@pytest.mark.parametrize(
    "source",
    [
        "{% trigger evil %}",
        "{% badge evil %}",
        "{% chip evil %}",
        "{% button evil data_copy=evil %}",
        "{% avatar evil evil %}",
        "{% panel title=evil %}{{ evil }}{% endpanel %}",
        "{% empty title=evil %}{{ evil }}{% endempty %}",
        "{% model_card card %}",
        "{% file_row row %}",
        "{% tag_row tag %}",
    ],
)
def test_text_from_people_is_escaped(source: str) -> None:
    html = render(
        source,
        evil=EVIL,
        card=card(title=EVIL, trigger_word=EVIL, author_name=EVIL, save_url="/save/"),
        row=FileRow(EVIL, 1, (Label(EVIL),), EVIL, "/d/", "SHA256", EVIL),
        tag=TagRow(EVIL, 1, 2),
    )

    assert "<script>" not in html
    assert "alert(1)&lt;/script&gt;" in html


def test_a_card_shows_its_facts_and_saves_by_a_plain_form() -> None:
    html = render("{% model_card card %}", card=card(save_url="/save/", is_saved=True, rating=4.83))

    assert "2.1k" in html
    assert "4.8" in html
    assert 'action="/save/"' in html
    assert 'hx-post="/save/"' in html
    assert 'aria-pressed="true"' in html


def test_a_card_that_was_shown_before_has_the_token_and_the_language_of_who_sees_it_now() -> None:
    source = "{% model_card card %}{% image_card image %}"
    image = ImageCard("/i/1", Picture("/p.webp", 8, 8), "Aoi", "", "steps: 20")
    shown = {"card": card(save_url="/save/"), "image": image}
    mine = render(source, csrf_token="mine", **shown)
    theirs = render(source, csrf_token=EVIL, **shown)
    assert mine.count('value="mine"') == 1
    assert "\x00" not in mine + theirs
    assert "<script>" not in theirs
    assert "mine" not in theirs
    with translation.override("zh-hans"):
        chinese = render(source, csrf_token="mine", **shown)
    assert "复制" in chinese
    assert render(source, csrf_token="mine", **shown) == mine
    assert 'aria-pressed="true"' in render(
        source, csrf_token="mine", image=image, card=card(save_url="/save/", is_saved=True)
    )


def test_a_filter_shows_its_choices_and_their_counts() -> None:
    choices = (Choice(EVIL, EVIL, is_chosen=True, count=1200), Choice("b", "B", is_chosen=False))
    html = render("{% filter_group group %}", group=FilterGroup("type", "Type", choices))
    assert "<script>" not in html
    assert html.count("checked") == 1
    assert "<details" not in html
    more = (replace(choices[0], count=7, is_least=True),)
    html = render("{% filter_group g %}", g=FilterGroup("type", "Type", more, is_folded=True))
    assert "<small>7+</small>" in html
    assert "<details" in html


def test_a_card_without_a_picture_shows_the_initial_of_its_type() -> None:
    assert ">L<" in render("{% model_card card %}", card=card())


def test_a_picture_has_its_size_and_something_to_see_before_it_loads() -> None:
    shown = Picture("/p.webp", 832, 1216, "Yuki", average_colour="#123456")
    html = render("{% picture shown %}", shown=shown)

    assert 'width="832" height="1216"' in html
    assert 'fill="#123456"' in html
    assert 'loading="lazy"' in html


def test_a_file_that_is_missing_cannot_be_downloaded() -> None:
    html = render("{% file_row row %}", row=FileRow("a.safetensors", 5, (Label("File missing"),)))

    assert "href" not in html.replace("<use href", "")
    assert "File missing" in html


@pytest.mark.parametrize(
    ("value", "maximum", "percent"),
    [(1254, 1960, 64.0), (0, 0, 0.0), (5, 4, 100.0), (-1, 4, 0.0)],
)
def test_a_meter_stays_between_nothing_and_all(
    value: float, maximum: float, percent: float
) -> None:
    assert Meter(value, maximum, "Progress").percent == percent


def test_a_meter_tells_real_numbers_and_cuts_epochs() -> None:
    html = render('{% meter 1254 1960 "Training progress" parts=10 %}')

    assert 'aria-valuenow="1254"' in html
    assert 'aria-valuemax="1960"' in html
    assert html.count('class="gap"') == 9
    assert 'width="64.0%"' in html


def test_hashes_are_shortened_for_the_eye_only() -> None:
    value = "9F2C41D07BE83AD1" * 4
    hashes = (("SHA256", value), ("CRC32", "19D240A3"))
    row = FileRow("a", 5, hash_kind="SHA256", hash_value=value, hashes=hashes)
    html = render("{% file_row row %}", row=row)

    assert f'data-copy="{value}"' in html
    assert "9F2C41D07B…3AD1" in html
    assert 'data-copy="19D240A3"' in html
