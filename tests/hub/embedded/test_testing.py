"""The services that a test session gets."""

import os

import psycopg
import redis


def test_the_session_has_a_real_database_and_a_real_valkey() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        version = connection.execute("show server_version_num").fetchone()
    assert int(version[0]) >= 160000
    with redis.Redis.from_url(os.environ["VALKEY_URL"]) as client:
        assert client.ping()


def test_django_reads_the_addresses_of_the_session(settings) -> None:
    assert os.environ["DATABASE_URL"] == settings.DATABASE_URL
    assert os.environ["VALKEY_URL"] == settings.VALKEY_URL
