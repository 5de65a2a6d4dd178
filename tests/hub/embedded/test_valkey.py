"""The embedded Valkey."""

import asyncio
import stat
import subprocess
from pathlib import Path

import pytest
import redis

from hub.embedded.ports import free_loopback_port
from hub.embedded.valkey import prepare_valkey
from tests.hub.embedded.processes import wait_until


def test_it_serves_from_a_folder_with_an_awkward_name_behind_its_password(tmp_path: Path) -> None:
    folder = tmp_path / 'a "folder" with spaces, \\ and 中文'
    folder.mkdir()
    valkey = prepare_valkey(folder, port=free_loopback_port(), password="secret-word")
    command = valkey.command({})
    assert not asyncio.run(valkey.is_ready())
    assert not any("secret-word" in argument for argument in command.argv)
    with subprocess.Popen(command.argv, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: asyncio.run(valkey.is_ready()), "Valkey to answer")
            with redis.Redis.from_url(valkey.url) as client:
                client.set("key", "value")
                assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
                assert client.config_get("dir")["dir"] == str(folder)
            stranger = redis.Redis(port=valkey.port)
            with stranger, pytest.raises(redis.AuthenticationError):
                stranger.get("key")
        finally:
            process.terminate()
    assert any((folder / "appendonlydir").iterdir())


def test_its_configuration_is_read_by_us_alone(tmp_path: Path) -> None:
    valkey = prepare_valkey(tmp_path, port=1, password="secret-word")
    assert stat.S_IMODE(valkey.config.stat().st_mode) == 0o600
    assert "requirepass secret-word" in valkey.config.read_text()
