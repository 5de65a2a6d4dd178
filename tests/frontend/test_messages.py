"""The Chinese catalogue: complete, and the check that says so can fail."""

import re
from io import StringIO
from pathlib import Path

import polib
import pytest
from django.core.management import call_command
from django.utils import translation
from django.utils.translation import gettext, ngettext, pgettext

from frontend.catalogue.checks import problems
from frontend.catalogue.command_line import collect_command_line, help_texts
from frontend.catalogue.extraction import Message, collect, preset_texts
from frontend.catalogue.store import compiled, entry_for, load, updated
from frontend.columns import shown_columns
from frontend.contexts.api_docs import api_docs, sentences

TEMPLATE = """{% load i18n %}<p>{% translate "One <b>bold</b> word" %}</p>
{% blocktranslate count n=total trimmed %}
  {{ n }} image
{% plural %}
  {{ n }} images
{% endblocktranslate %}
<a title="{% translate "Save" context "bookmark" %}">it's "quoted" (and not closed</a>"""
PYTHON = """from django.utils.translation import gettext_lazy as _, ngettext_lazy, pgettext_lazy
A = _("Adjoining " "strings")
B = ngettext_lazy("%(n)d step", "%(n)d steps", "n")
C = pgettext_lazy("section", "Training")
"""


def make_source(root: Path) -> Path:
    folder = root / "frontend" / "templates"
    folder.mkdir(parents=True)
    (folder / "page.html").write_text(TEMPLATE, "utf-8")
    (root / "frontend" / "code.py").write_text(PYTHON, "utf-8")
    return root


def translated(**chinese: str) -> polib.POFile:
    catalogue = polib.POFile()
    for english, words in chinese.items():
        catalogue.append(polib.POEntry(msgid=english, msgstr=words))
    return catalogue


def messages(*english: str) -> dict[tuple[str, str], Message]:
    return {("", words): Message("", words, files=["a.py"]) for words in english}


def test_the_catalogue_is_complete_and_compiled() -> None:
    out = StringIO()
    call_command("messages", "--check", stdout=out)

    assert "all translated" in out.getvalue()


def test_messages_are_found_in_python_and_in_templates(tmp_path: Path) -> None:
    found = collect(make_source(tmp_path))
    elsewhere = {*preset_texts(), *sentences(api_docs()), *shown_columns()} - {""}

    assert elsewhere <= {m.singular for m in found.values()}
    written = [m for m in found.values() if m.singular not in elsewhere]
    assert {(m.context, m.singular, m.plural) for m in written} == {
        ("", "One <b>bold</b> word", ""),
        ("", "%(n)s image", "%(n)s images"),
        ("bookmark", "Save", ""),
        ("", "Adjoining strings", ""),
        ("", "%(n)d step", "%(n)d steps"),
        ("section", "Training", ""),
    }


COMMANDS = '''
def pull(context, *, to: Annotated[Path, Option(help="Where to.")], as_json: AsJson):
    """Fetch files."""
    raise LocalProblem(_("There is {path} no more.").format(path=path))

def _helper(context):
    """Not for people."""
'''


def test_messages_of_the_command_line_are_found_apart(tmp_path: Path) -> None:
    folder = make_source(tmp_path) / "hub" / "cli"
    folder.mkdir(parents=True)
    (folder / "pulling.py").write_text(COMMANDS, "utf-8")

    words = {"Where to.", "Fetch files.", "There is {path} no more."}
    assert {m.singular for m in collect_command_line(tmp_path).values()} == words
    assert not words & {m.singular for m in collect(tmp_path).values()}
    assert set(help_texts(COMMANDS)) == {"Where to.", "Fetch files."}


def test_update_keeps_translations_adds_new_and_drops_gone() -> None:
    fresh = updated(translated(Models="模型", Gone="已删"), messages("Models", "Queue"))

    assert [(entry.msgid, entry.msgstr) for entry in fresh] == [("Models", "模型"), ("Queue", "")]


@pytest.mark.parametrize(
    ("catalogue", "source", "word"),
    [
        (translated(Models="模型"), messages("Models", "Queue"), "missing"),
        (translated(Models="模型", Gone="已删"), messages("Models"), "stale"),
        (translated(Models=""), messages("Models"), "not translated"),
        (translated(**{"By %(name)s": "作者"}), messages("By %(name)s"), "other places"),
        (translated(**{"{n} left": "剩 {m}"}), messages("{n} left"), "other places"),
    ],
)
def test_the_check_names_what_is_wrong(
    tmp_path: Path, catalogue: polib.POFile, source: dict[tuple[str, str], Message], word: str
) -> None:
    binary = tmp_path / "django.mo"
    binary.write_bytes(compiled(catalogue))

    assert [line.partition(":")[0] for line in problems(catalogue, source, binary)] == [word]


def test_the_check_refuses_fuzzy_entries_and_an_old_binary(tmp_path: Path) -> None:
    catalogue = translated(Models="模型")
    catalogue[0].flags.append("fuzzy")
    binary = tmp_path / "django.mo"
    binary.write_bytes(b"old")

    found = problems(catalogue, messages("Models"), binary)

    assert [line.partition(":")[0] for line in found] == ["fuzzy", "not compiled"]


def test_one_chinese_form_serves_singular_and_plural() -> None:
    entry = entry_for(Message("", "%(n)d day ago", "%(n)d days ago", ["a.py"]), None)

    assert entry.msgstr_plural == {0: ""}
    assert "nplurals=1" in load().metadata["Plural-Forms"]


def test_django_speaks_our_chinese() -> None:
    with translation.override("zh-hans"):
        assert gettext("Models") == "模型"
        assert pgettext("section", "Training") == "训练"
        assert ngettext("%(n)d day ago", "%(n)d days ago", 1) == "%(n)d 天前"
        assert ngettext("%(n)d day ago", "%(n)d days ago", 3) == "%(n)d 天前"


def test_terms_of_the_design_are_kept() -> None:
    terms = {
        "Base model": "底模",
        "Dataset": "数据集",
        "Queue": "队列",
        "Tags": "标签",
        "Weight": "权重",
    }
    with translation.override("zh-hans"):
        assert {english: gettext(english) for english in terms} == terms


def test_no_space_stands_between_two_chinese_words() -> None:
    texts = [text for entry in load() for text in (entry.msgstr, *entry.msgstr_plural.values())]

    assert [text for text in texts if re.search(r"[\u4e00-\u9fff] +[\u4e00-\u9fff]", text)] == []
