"""Tables of the registry. Django needs them loaded; import classes from their own module."""

from models_registry.models import (  # noqa: F401
    base_model,
    bookmark,
    cover,
    download,
    file,
    file_hash,
    model,
    recommendation,
    review,
    tag,
    version,
    words,
)
