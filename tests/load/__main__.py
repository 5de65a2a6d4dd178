"""`make bench-data`: a large hub from a seed, and how fast it answers.

The database is either a fresh one of this run (embedded PostgreSQL) or, with DATABASE_URL, one
whose name ends in `_bench`; another one is refused. Prints one JSON line for each kind of request.
"""

import argparse
import os
import sys
from urllib.parse import urlsplit

P95_MS = 100.0


def main() -> int:
    """Seed where empty, measure, and return 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    options = parser.parse_args()
    given = os.environ.get("DATABASE_URL", "")
    if given and not urlsplit(given).path.endswith("_bench"):
        sys.stderr.write("The name of the database in DATABASE_URL has to end in _bench.\n")
        return 2
    from hub.embedded.testing import ensure_services, stop_services

    ensure_services()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings.testing")
    try:
        return _run(options.scale)
    finally:
        stop_services()


def _run(scale: float) -> int:
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from models_registry.models.model import Model
    from tests.load.cases import cases
    from tests.load.measure import measure
    from tests.load.registry_data import Size, seed

    call_command("migrate", verbosity=0)
    if not Model.objects.exists():
        seed(Size().scaled(scale))
    failed = False
    for case in cases():
        result = measure(case, Client())
        sys.stdout.write(result.as_json() + "\n")
        sys.stdout.flush()
        failed |= result.p95_ms > P95_MS or bool(result.scans)
        failed |= result.queries != result.most_queries
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
