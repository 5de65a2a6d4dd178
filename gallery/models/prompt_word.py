"""All words that prompts have had: what the beginning of a word stands for."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PromptWord(models.Model):
    """A word of some prompt, spelled as in `Generation.search`; none is ever taken away.

    By the order of its bytes, so that an index finds the words with one beginning.
    """

    word = models.TextField(primary_key=True, db_collation="C")

    class Meta:
        verbose_name = _("word of prompts")
        verbose_name_plural = _("words of prompts")

    def __str__(self) -> str:
        return self.word
