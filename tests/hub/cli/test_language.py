"""The command line in Chinese: help, complaints, results; what programs read stays English."""

import json

import pytest
from typer.testing import CliRunner

from hub.cli.language import chosen_language, gettext, use_language
from hub.cli.main import app
from hub.cli.spoken_help import COMPLAINTS, rephrased
from hub.formats.file_hashing import hash_file


@pytest.fixture
def chinese(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "")  # what the program sets is put back
    monkeypatch.setenv("ATELIER_LANG", "zh_CN.UTF-8")
    yield
    use_language("en")


def call(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LC_ALL": "POSIX", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW@radical", "LANG": "de_DE"}, "zh-TW"),
        ({"ATELIER_LANG": "zh", "LC_ALL": "en_GB.UTF-8"}, "zh"),
        ({"ATELIER_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "../../etc"}, "en"),
    ],
)
def test_the_language_is_that_of_the_program_else_of_the_system(environ, language):
    assert chosen_language(environ) == language


def test_help_and_every_command_with_its_options_is_chinese(chinese):
    assert "查找模型。" in call("--help").stdout
    page = call("jobs", "files", "--help").stdout
    assert "取到这个文件夹" in page
    assert "以 JSON 打印结果" in page
    assert "显示此帮助并退出" in page
    assert "Print the result" not in page


def test_a_wrong_command_line_is_told_in_chinese(chinese):
    assert "没有命令 'serch'。你是想用 'search' 吗" in call("serch", code=2).stderr
    assert "没有选项 --loud" in call("search", "--loud", code=2).stderr
    assert "应不小于 1" in call("search", "--limit", "0", code=2).stderr
    assert "缺少参数" in call("show", code=2).stderr


def test_a_refusal_is_chinese_on_the_screen_and_english_in_json(chinese, tmp_path):
    path = tmp_path / "missing.pt"
    assert "无法读取" in call("hash", path, code=8).stderr
    refusal = json.loads(call("hash", path, "--json", code=8).stderr)
    assert "cannot be read" in refusal["error"]
    assert refusal["code"] == "local"


def test_facts_of_a_file_are_named_in_chinese_and_stay_english_in_json(chinese, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    assert "不是已知的类型" in call("info", path).stdout
    assert json.loads(call("info", path, "--json").stdout)["rows"] == [
        ["note", "of no kind that is known here"]
    ]
    hashed = json.loads(call("hash", path, "--json").stdout)
    assert hashed[0]["hashes"]["SHA256"] == hash_file(path).as_mapping()["SHA256"]


def test_a_broken_file_is_told_in_chinese(chinese, tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes((8).to_bytes(8, "little") + b'{"a":1  ')
    told = call("info", path, code=8).stderr
    assert any("\u4e00" <= letter <= "\u9fff" for letter in told.partition(path.name)[2])


def test_columns_stand_below_each_other_with_wide_letters(chinese, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    # 类型 and 大小 are as wide as each other: four columns each, then two of space
    assert [line[:4] for line in call("info", path).stdout.splitlines()][:2] == ["类型  ", "大小  "]


def test_complaints_are_known_in_every_language_and_unknown_ones_stay(chinese):
    assert rephrased("Something new of Typer") == "Something new of Typer"
    use_language("zh-CN")
    assert rephrased("Invalid value for '--x': 'a' is not a valid integer.") == (
        "'--x' 的值无效：'a' 不是整数"
    )
    assert all(gettext(template) != template for template in COMPLAINTS)


def test_without_a_catalogue_the_program_speaks_english():
    use_language("de-DE")
    assert gettext("Find models.") == "Find models."
    assert gettext("") == gettext(None) == ""
