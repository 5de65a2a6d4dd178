"""Shared by every test. Real services are found or started by hub.embedded.pytest_plugin."""
