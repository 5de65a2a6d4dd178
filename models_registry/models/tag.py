"""Words people sort models by."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Tag(models.Model):
    """One tag, kept in lower case so that it exists once."""

    name = models.CharField(max_length=60)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [
            models.UniqueConstraint(fields=["name"], name="tag_name_unique"),
            models.CheckConstraint(condition=~models.Q(name=""), name="tag_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class TagAlias(models.Model):
    """Another word for a tag, in lower case: who writes or looks for it means the tag."""

    name = models.CharField(max_length=60)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name = _("alias of a tag")
        verbose_name_plural = _("aliases of tags")
        constraints = [
            models.UniqueConstraint(fields=["name"], name="tag_alias_unique"),
            models.CheckConstraint(
                condition=~models.Q(name="") & models.Q(name=Lower("name")),
                name="tag_alias_lower_case",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ModelTag(models.Model):
    """A tag on a model, in the order its author gave."""

    model = models.ForeignKey(
        "models_registry.Model", on_delete=models.CASCADE, related_name="model_tags"
    )
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="model_tags")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("tag of a model")
        verbose_name_plural = _("tags of models")
        constraints = [
            models.UniqueConstraint(fields=["model", "tag"], name="model_tag_once"),
        ]
        indexes = [models.Index(fields=["tag", "model"], name="model_tag_of_tag")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.model_id}"
