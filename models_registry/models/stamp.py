"""When anything that belongs to a model was last changed, by numbers that never come twice."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from models_registry.models.model import Model


class ModelStamp(models.Model):
    """Grows with every change of a row that belongs to a model: versions, files, words, pictures …

    The database writes it (triggers of migration 0014), whoever makes the change. It says nothing
    of the model's own row, of its owner, of base models and of other models that it leads to.
    """

    model = models.OneToOneField(
        Model, on_delete=models.CASCADE, primary_key=True, related_name="stamp"
    )
    value = models.BigIntegerField()

    class Meta:
        verbose_name = _("stamp of a model")
        verbose_name_plural = _("stamps of models")

    def __str__(self) -> str:
        return f"{self.model_id}: {self.value}"
