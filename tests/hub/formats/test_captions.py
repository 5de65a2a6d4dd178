import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.captions import decode_caption, join_tags, normalise_tag, split_tags
from hub.formats.errors import CaptionError, FormatError

CHINESE = "一个女孩站在樱花树下，长发，蓝色眼睛，水墨画风格"
JAPANESE = "桜の木の下に立つ少女、長い髪、青い目"
SIMPLE_JAPANESE = "東京都、日本、少女、学校"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("1girl, solo", "utf-8"),
        (CHINESE, "utf-8"),
        (CHINESE, "utf-8-sig"),
        (CHINESE, "utf-16"),
        (CHINESE, "gb18030"),
        ("1girl, 樱花, masterpiece", "gb18030"),
        (JAPANESE, "cp932"),
        (SIMPLE_JAPANESE, "cp932"),
        ("1girl, 少女アリス", "cp932"),
        ("", "utf-8"),
    ],
)
def test_captions_of_many_countries_are_decoded(text, encoding):
    decoded = decode_caption(text.encode(encoding))
    assert decoded.text == text
    assert decoded.encoding == encoding


def test_utf16_of_either_order_is_told_by_its_mark():
    assert decode_caption("\ufeff墨".encode("utf-16-be")).text == "墨"
    assert decode_caption("\ufeff墨".encode("utf-16-le")).text == "墨"


def test_characters_are_composed():
    decomposed = unicodedata.normalize("NFD", "café が")
    assert decode_caption(decomposed.encode()).text == "café が"


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", b"\xff\xfea", b"a\0b", b"\x80\xff\xff\x81"])
def test_what_is_no_text_is_refused(raw):
    with pytest.raises(CaptionError) as caught:
        decode_caption(raw)
    assert caught.value.code == "caption_undecodable"


def test_the_length_limit_holds_on_both_sides():
    assert decode_caption(b"a" * 10, max_bytes=10).text == "a" * 10
    with pytest.raises(CaptionError) as caught:
        decode_caption(b"a" * 11, max_bytes=10)
    assert caught.value.code == "caption_too_long"


def test_tags_are_split_at_western_and_chinese_commas_and_lines():
    text = "1girl, solo，长发、 long  hair\r\nsmile,, 1girl ,"
    assert split_tags(text) == ("1girl", "solo", "长发", "long hair", "smile")


def test_tags_keep_what_prompts_need():
    assert split_tags(r"hatsune miku \(vocaloid\), (red:1.2)") == (
        r"hatsune miku \(vocaloid\)",
        "(red:1.2)",
    )


@given(st.text())
def test_splitting_what_was_joined_changes_nothing(text):
    tags = split_tags(text)
    assert split_tags(join_tags(tags)) == tags
    assert all(tag == normalise_tag(tag) and tag for tag in tags)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_raise_only_format_errors(raw):
    try:
        decoded = decode_caption(raw)
    except FormatError:
        return
    assert unicodedata.is_normalized("NFC", decoded.text)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_utf8_is_never_mistaken(text):
    assert decode_caption(text.encode()).text == unicodedata.normalize("NFC", text)
