"""Vendored files are what the registry gave, byte for byte, and nothing lies there unlisted."""

import hashlib

from frontend import vendor
from frontend.templatetags.assets import STATIC_DIR, module_paths


def listed() -> dict[str, list[str]]:
    lines = (vendor.VENDOR_DIR / "VENDOR.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return {name: rest for name, *rest in rows}


def test_every_vendored_file_has_the_listed_hash() -> None:
    for name, (_source, _licence, sha256) in listed().items():
        data = (vendor.VENDOR_DIR / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256, name


def test_list_folder_and_tool_name_the_same_files() -> None:
    in_folder = {path.name for path in vendor.VENDOR_DIR.iterdir()} - {"VENDOR.tsv"}
    wanted = {item.name for item in vendor.FILES} | {"icons.svg"}

    assert set(listed()) == in_folder == wanted


def test_versions_are_pinned_and_licences_known() -> None:
    for source, licence, _sha256 in listed().values():
        assert source.rpartition("@")[2].count(".") == 2
        assert licence in {"MIT", "ISC", "0BSD", "Apache-2.0", "OFL-1.1"}


def test_import_map_names_existing_files() -> None:
    for name, path in module_paths().items():
        assert (STATIC_DIR / path).is_file(), name


def test_no_vendored_script_asks_for_a_source_map() -> None:
    for path in vendor.VENDOR_DIR.glob("*.js"):
        assert b"sourceMappingURL" not in path.read_bytes(), path.name


def test_a_link_to_a_source_map_is_taken_out() -> None:
    assert vendor.without_source_map(b"run();\n//# sourceMappingURL=a.js.map\n") == b"run();\n"
    assert vendor.without_source_map(b"run();") == b"run();"
