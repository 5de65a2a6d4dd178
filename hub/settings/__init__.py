"""Settings of the environment that ATELIER_ENV names: development, testing or production."""

import importlib

from hub.settings import _env

_NAME = _env.text("ENV", "development", choices=("development", "testing", "production"))
_chosen = importlib.import_module(f"hub.settings.{_NAME}")
globals().update({name: value for name, value in vars(_chosen).items() if name.isupper()})
