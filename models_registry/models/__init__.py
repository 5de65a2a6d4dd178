"""Tables of the registry. Django needs them loaded; import classes from their own module."""

from models_registry.models import (  # noqa: F401
    base_model,
    bookmark,
    collection,
    conversion,
    cover,
    download,
    engagement,
    file,
    file_hash,
    model,
    recommendation,
    remote_import,
    review,
    revision,
    stamp,
    tag,
    tombstone,
    version,
    words,
)
