"""Trigger words of versions and tags of models, as rows."""

from collections.abc import Iterable, Sequence

from models_registry.models.model import Model
from models_registry.models.tag import ModelTag, Tag, TagAlias
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord, TriggerWordSet
from models_registry.services.names import clean_words
from models_registry.services.values import WordSet

TAG_LIMIT = 60
MAX_TAGS = 30


def write_words(version: ModelVersion, words: Sequence[str | WordSet]) -> None:
    """Replace the trigger words of a version; needs the caller's transaction.

    Sets of one name become one; the words without a name come first.
    """
    by_name: dict[str, list[str]] = {"": []}
    for given in words:
        word_set = given if isinstance(given, WordSet) else WordSet(words=(given,))
        by_name.setdefault(word_set.name.strip()[:60], []).extend(word_set.words)
    version.trigger_word_sets.all().delete()
    sets = [(name, texts) for name, found in by_name.items() if (texts := clean_words(found))]
    for position, (name, texts) in enumerate(sets):
        row = TriggerWordSet.objects.create(version=version, name=name, position=position)
        TriggerWord.objects.bulk_create(
            TriggerWord(set=row, text=text, position=at) for at, text in enumerate(texts)
        )


def write_tags(model: Model, tags: Iterable[str]) -> None:
    """Replace the tags of a model, an alias by the tag it stands for; the caller's transaction."""
    typed = clean_words((tag.lower() for tag in tags), limit=TAG_LIMIT)
    meant = dict(TagAlias.objects.filter(name__in=typed).values_list("name", "tag__name"))
    names = list(dict.fromkeys(meant.get(name, name) for name in typed))[:MAX_TAGS]
    Tag.objects.bulk_create((Tag(name=name) for name in names), ignore_conflicts=True)
    rows = {tag.name: tag for tag in Tag.objects.filter(name__in=names)}
    model.model_tags.all().delete()
    ModelTag.objects.bulk_create(
        ModelTag(model=model, tag=rows[name], position=at) for at, name in enumerate(names)
    )
