"""Shared by every test: real services, found or started; nothing here is a mock."""

import os


def pytest_configure() -> None:
    """Start the embedded PostgreSQL and Valkey once for the whole run where none are named."""
    if "DATABASE_URL" in os.environ and "VALKEY_URL" in os.environ:
        return
    from hub.embedded.testing import ensure_services

    os.environ.update(ensure_services())
