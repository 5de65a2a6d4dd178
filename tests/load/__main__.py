"""`make bench-data`: a large hub from a seed, and how fast it answers.

The database is either a fresh one of this run (embedded PostgreSQL) or, with DATABASE_URL, one
whose name ends in `_bench`, which keeps its rows for the next run; another one is refused. Prints
one JSON line for each kind of request.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit


def main() -> int:
    """Seed where empty, measure, and return 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    parser.add_argument("--every", type=int, default=1, help="ask for every n-th variant only")
    parser.add_argument("--plans", type=Path, help="write the plan of every kind of query here")
    options = parser.parse_args()
    given = os.environ.get("DATABASE_URL", "")
    if given and not urlsplit(given).path.endswith("_bench"):
        sys.stderr.write("The name of the database in DATABASE_URL has to end in _bench.\n")
        return 2
    from hub.embedded.testing import ensure_services, stop_services

    ensure_services()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings.testing")
    try:
        return _run(options)
    finally:
        stop_services()


def _run(options: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import override_settings

    from models_registry.kept_counts import keep_counts
    from models_registry.models.model import Model
    from tests.load.api_cases import api_cases
    from tests.load.measure import Meter
    from tests.load.page_cases import page_cases
    from tests.load.people_cases import people_cases
    from tests.load.plans import PlanBook
    from tests.load.samples import Samples
    from tests.load.seeding import seed
    from tests.load.size import Size

    call_command("migrate", verbosity=0)
    if not Model.objects.exists():
        seed(Size().scaled(options.scale))
    samples, meter, missed = Samples(), Meter(PlanBook(options.plans)), False
    # A running hub does this every minute.
    with override_settings(COUNTS_SECONDS=3600, TAG_COUNTS_SECONDS=3600):
        keep_counts()
        for case in [*page_cases(samples), *people_cases(samples), *api_cases(samples)]:
            if options.only not in case.name:
                continue
            result = meter.measure(replace(case, asks=case.asks[:: options.every]))
            sys.stdout.write(result.as_json() + "\n")
            sys.stdout.flush()
            missed |= not result.is_met
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
