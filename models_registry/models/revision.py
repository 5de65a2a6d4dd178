"""How the card of a model read after each change."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from models_registry.models.model import Model


class CardRevision(models.Model):
    """The whole card as text, field by field; `author` None is how it stood before the first edit.

    `fields` maps a field to its text; those of a version are called `3.description`, after the
    version's index. It is a document, kept to be compared, and nothing is looked up in it.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="revisions")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)
    fields = models.JSONField()

    class Meta:
        verbose_name = _("revision of a card")
        verbose_name_plural = _("revisions of cards")
        indexes = [models.Index(fields=["model", "-id"], name="revisions_newest")]

    def __str__(self) -> str:
        return f"{self.model_id} at {self.at:%Y-%m-%d %H:%M}"
