"""The choices a person makes for one run, read from the environment without Django."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.embedded.errors import SettingWrong

PROJECT_DIR = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("development", "testing", "production")
YES, NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class RunConfig:
    """One run: where its data is, where it listens, which parts are real servers elsewhere."""

    home: Path
    host: str
    port: int
    environment: str
    database_url: str
    valkey_url: str
    demo: bool
    reload: bool

    @property
    def embeds_database(self) -> bool:
        """Whether PostgreSQL is ours to start."""
        return not self.database_url

    @property
    def embeds_valkey(self) -> bool:
        """Whether Valkey is ours to start."""
        return not self.valkey_url


def read_config(environ: Mapping[str, str], *, reload: bool = False) -> RunConfig:
    """Read and check the variables; raises SettingWrong, naming variable and value."""
    environment = environ.get("ATELIER_ENV") or "development"
    if environment not in ENVIRONMENTS:
        allowed = ", ".join(ENVIRONMENTS)
        raise SettingWrong(f"ATELIER_ENV is {environment!r}; allowed are: {allowed}.")
    config = RunConfig(
        home=home_folder(environ),
        host=environ.get("HOST") or "127.0.0.1",
        port=_port(environ.get("PORT") or "8000"),
        environment=environment,
        database_url=environ.get("DATABASE_URL", ""),
        valkey_url=environ.get("VALKEY_URL", ""),
        demo=_flag(environ, "ATELIER_DEMO", default=environment != "production"),
        reload=reload,
    )
    _check_production(config, allowed=_flag(environ, "ATELIER_ALLOW_EMBEDDED", default=False))
    return config


def home_folder(environ: Mapping[str, str]) -> Path:
    """Absolute path of the data folder: ATELIER_HOME, or .atelier in the project."""
    chosen = environ.get("ATELIER_HOME")
    return (Path(chosen).expanduser() if chosen else PROJECT_DIR / ".atelier").absolute()


def _port(raw: str) -> int:
    if not raw.isdecimal() or int(raw) > 65535:
        raise SettingWrong(f"PORT is {raw!r}; a number from 0 (any free port) to 65535 is needed.")
    return int(raw)


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    raw = environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw not in YES | NO:
        raise SettingWrong(f"{name} is {raw!r}; allowed are: yes or no (1 or 0).")
    return raw in YES


def _check_production(config: RunConfig, *, allowed: bool) -> None:
    if config.environment != "production" or allowed:
        return
    missing = [
        name
        for name, embeds in (
            ("DATABASE_URL", config.embeds_database),
            ("VALKEY_URL", config.embeds_valkey),
        )
        if embeds
    ]
    if missing:
        raise SettingWrong(
            f"ATELIER_ENV is 'production' and {' and '.join(missing)} is not set. The embedded "
            "services are meant for one machine without an operator: set the address of a real "
            "server, or ATELIER_ALLOW_EMBEDDED=1 if you accept that."
        )
