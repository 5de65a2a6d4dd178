"""Keeps the words by which a model is found beyond its name."""

from models_registry.models.model import KNOWN_STATES, Model
from models_registry.models.tag import TagAlias
from models_registry.models.words import TriggerWord
from models_registry.search_text import hidden_words, index_words

DESCRIPTION_CHARACTERS = 4000


def refresh_search(*, model_id: int) -> None:
    """Collect author, tags, their aliases, version names, trigger words into `search_words`.

    Of a published model only what is published: whoever guesses a word of a draft finds nothing.
    """
    model = Model.objects.select_related("owner").get(pk=model_id)
    versions = model.versions.all()
    if model.status in KNOWN_STATES:
        versions = versions.filter(status__in=KNOWN_STATES)
    texts = [model.owner.username]
    texts += model.tags.order_by("model_tags__position").values_list("name", flat=True)
    texts += (
        TagAlias.objects.filter(tag__models=model).order_by("pk").values_list("name", flat=True)
    )
    texts += versions.order_by("-index").values_list("name", flat=True)
    texts += (
        TriggerWord.objects.filter(set__version__in=versions)
        .order_by("set__version_id", "set__position", "position")
        .values_list("text", flat=True)
    )
    texts += hidden_words(f"{model.name} {model.description[:DESCRIPTION_CHARACTERS]}")
    Model.objects.filter(pk=model_id).update(search_words=index_words(texts))
