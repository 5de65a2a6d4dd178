"""Make the counters of the registry agree with the rows they count."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from models_registry.models.model import Model
from models_registry.services.counters import repair_counters
from models_registry.services.search import refresh_search


class Command(BaseCommand):
    """Recount downloads, reviews and bookmarks; optionally rebuild the search words."""

    help = "Recount downloads, reviews and bookmarks of models; says how many were wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """All models, or those named."""
        parser.add_argument("ids", nargs="*", type=int, help="Ids of models; none means all.")
        parser.add_argument(
            "--search", action="store_true", help="Also rebuild the words models are found by."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the models one transaction each, so that none stays locked for long."""
        models = Model.objects.order_by("pk")
        if options["ids"]:
            models = models.filter(pk__in=options["ids"])
        checked = repaired = 0
        for model_id in models.values_list("pk", flat=True).iterator():
            checked += 1
            repaired += repair_counters(model_id=model_id)
            if options["search"]:
                refresh_search(model_id=model_id)
        self.stdout.write(f"{checked} models checked, {repaired} repaired.")
