"""Files by the name that they have on somebody's disk.

ComfyUI and others write the names of files into a picture, and no hashes. A file is called there as
its uploader called it, as a download calls it (`download_name`), or as kohya's scripts did, which
stands in its header. Names are no proof: whoever gets several files has to ask a person.
"""

import re
from collections.abc import Collection

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from hub.core.lookups import among
from hub.formats.generation.values import MODEL_SUFFIXES, file_stem
from models_registry.known_files import usable_files
from models_registry.models.file import FileKind, ModelFile
from models_registry.models.model import Model, ModelType, Viewer
from models_registry.models.title import beginnings, spelled, spellings
from models_registry.models.words import TriggerWord
from models_registry.services.download import download_name

MAX_NAME = 255
MAX_FILES = 20
#: So many rows are looked at: of a name like `model.safetensors` there may be thousands.
MOST_ROWS = 500
#: What kohya's scripts append to the name of a run: `ink-000004`, `ink-step00000400`.
STAGE = re.compile(r"-(?:step)?[0-9]+(?:-state)?")


def files_of_name(*, viewer: Viewer, name: str, types: Collection[str] = ()) -> list[ModelFile]:
    """Files called so in any case, whatever the folder and the suffix; earliest published first.

    Those that the viewer may see, as in `files_of_hash`; with `types` only of models of these, or
    for a VAE also a file that goes with another model. Raises Invalid for no name.
    """
    stem = file_stem(name.strip()[-MAX_NAME:]).strip()
    if not stem:
        raise Invalid(_("Give the name of a file."), code="name_missing")
    rows = usable_files(viewer).filter(among("pk", _candidates(stem)))
    if types:
        beside = Q(kind=FileKind.VAE) if ModelType.VAE in types else Q()
        rows = rows.filter(Q(version__model__type__in=types) | beside)
    return [file for file in rows[:MOST_ROWS] if _is_called(file, stem)][:MAX_FILES]


def _is_called(file: ModelFile, stem: str) -> bool:
    names = (file.name, file.override_name, download_name(file))
    if stem.casefold() in {file_stem(text).casefold() for text in names if text}:
        return True
    own = file_stem(file.name)
    is_stage = own.startswith(stem) and STAGE.fullmatch(own[len(stem) :]) is not None
    return file.output_name == stem and not is_stage


def _candidates(stem: str) -> set[int]:
    """Keys of files that may be called so, each found by an index of its own."""
    asked = [Lower(Value(text)) for text in (stem, *(f"{stem}.{end}" for end in MODEL_SUFFIXES))]
    files = ModelFile.objects.alias(lower=Lower("name"), own=Lower("override_name"))
    ways = (
        files.filter(lower__in=asked),
        files.exclude(override_name="").filter(own__in=asked),
        ModelFile.objects.filter(output_name=stem),
        _titled(stem),
        _worded(stem),
    )
    return {key for rows in ways for key in rows.values_list("pk", flat=True)}


def _titled(stem: str) -> QuerySet[ModelFile]:
    """Of models with whose name the stem begins, for a download is called `MODEL_VERSION`."""
    models = Model.objects.alias(spelled=spelled("name")).filter(spelled__in=beginnings(stem))
    return ModelFile.objects.filter(version__model__in=models)


def _worded(stem: str) -> QuerySet[ModelFile]:
    """Of embeddings with this trigger word, for a download is called by the first of them."""
    words = TriggerWord.objects.alias(spelled=spelled("text"))
    fitting = words.filter(spelled__in=spellings(stem, stem.removesuffix("-neg")))
    return ModelFile.objects.filter(version__trigger_word_sets__words__in=fitting)
