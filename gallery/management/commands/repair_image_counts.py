"""Make the numbers of pictures that models show agree with the pictures that everyone may see."""

from typing import Any

from django.core.management.base import BaseCommand

from gallery.services.resources import repair_image_count
from models_registry.models.model import Model


class Command(BaseCommand):
    """Recount the pictures of every model."""

    help = "Recount the pictures of models; says how many numbers were wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the models one transaction each, so that none stays locked for long."""
        ids = Model.objects.order_by("pk").values_list("pk", flat=True)
        repaired = [repair_image_count(model_id=model_id) for model_id in ids.iterator()]
        self.stdout.write(f"{len(repaired)} models checked, {sum(repaired)} repaired.")
