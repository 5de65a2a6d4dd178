"""Networks from the environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from hub.settings import _env


def test_networks_are_a_comma_list_and_none_by_default(monkeypatch):
    assert _env.networks("SOME_NETWORKS") == []
    monkeypatch.setenv("ATELIER_SOME_NETWORKS", "10.0.0.0/8, fd00::/8")
    assert _env.networks("SOME_NETWORKS") == ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize("value", ["inside", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_stops_the_program_and_is_named(monkeypatch, value):
    monkeypatch.setenv("ATELIER_SOME_NETWORKS", value)
    with pytest.raises(ImproperlyConfigured, match="ATELIER_SOME_NETWORKS"):
        _env.networks("SOME_NETWORKS")
