"""Free and taken addresses."""

import os
import socket

import pytest

from hub.embedded.errors import PortTaken, SettingWrong
from hub.embedded.ports import check_free, find_listener, free_loopback_port


def test_a_taken_port_names_the_process_that_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            check_free("127.0.0.1", port)
    assert f"process {os.getpid()}" in caught.value.message
    assert "python" in caught.value.message
    assert f"PORT={port + 1}" in caught.value.message


def test_a_port_taken_on_ipv6_is_found_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        listener = find_listener(server.getsockname()[1])
    assert listener is not None
    assert listener.pid == os.getpid()


def test_a_port_just_released_is_free_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert check_free("127.0.0.1", port) == port
    assert find_listener(port) is None


def test_port_zero_becomes_a_real_port() -> None:
    assert free_loopback_port() > 0


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(SettingWrong, match=r"HOST is '192\.0\.2\.1'"):
        check_free("192.0.2.1", 8000)  # TEST-NET-1: nobody has it
