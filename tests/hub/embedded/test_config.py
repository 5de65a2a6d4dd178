"""The choices of one run."""

from pathlib import Path

import pytest

from hub.embedded.config import PROJECT_DIR, read_config
from hub.embedded.errors import SettingWrong

SERVERS = {"DATABASE_URL": "postgresql://db/atelier", "VALKEY_URL": "redis://valkey:6379/0"}


def test_an_empty_environment_means_everything_embedded_on_loopback() -> None:
    config = read_config({})
    assert (config.host, config.port) == ("127.0.0.1", 8000)
    assert config.home == PROJECT_DIR / ".atelier"
    assert config.embeds_database
    assert config.embeds_valkey
    assert config.demo


def test_each_address_of_a_real_server_switches_its_part_alone() -> None:
    database_only = read_config({"DATABASE_URL": SERVERS["DATABASE_URL"]})
    assert (database_only.embeds_database, database_only.embeds_valkey) == (False, True)
    valkey_only = read_config({"VALKEY_URL": SERVERS["VALKEY_URL"]})
    assert (valkey_only.embeds_database, valkey_only.embeds_valkey) == (True, False)


def test_a_relative_data_folder_is_made_absolute(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config({"ATELIER_HOME": "data"}).home == tmp_path / "data"


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8000.5"])
def test_a_port_that_is_none_stops_the_start_and_is_named(port: str) -> None:
    with pytest.raises(SettingWrong, match=f"PORT is '{port}'"):
        read_config({"PORT": port})


@pytest.mark.parametrize("port", ["0", "65535"])
def test_the_ends_of_the_port_range_are_allowed(port: str) -> None:
    assert read_config({"PORT": port}).port == int(port)


def test_an_unknown_environment_names_the_ones_that_are_allowed() -> None:
    with pytest.raises(SettingWrong, match="development, testing, production"):
        read_config({"ATELIER_ENV": "staging"})


def test_a_flag_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(SettingWrong, match="ATELIER_DEMO is 'perhaps'"):
        read_config({"ATELIER_DEMO": "perhaps"})


@pytest.mark.parametrize("missing", ["DATABASE_URL", "VALKEY_URL"])
def test_production_refuses_each_embedded_service(missing: str) -> None:
    environ = {"ATELIER_ENV": "production", **SERVERS}
    del environ[missing]
    with pytest.raises(SettingWrong, match=f"{missing} is not set"):
        read_config(environ)


def test_production_runs_on_real_servers_or_when_embedded_ones_are_allowed() -> None:
    assert not read_config({"ATELIER_ENV": "production", **SERVERS}).demo
    allowed = read_config({"ATELIER_ENV": "production", "ATELIER_ALLOW_EMBEDDED": "1"})
    assert allowed.embeds_database
