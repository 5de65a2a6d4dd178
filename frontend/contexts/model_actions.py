"""The row of buttons on a model's page: it comes with the page, and alone after each press."""

from dataclasses import dataclass

from models_registry.collection_queries import collections_for
from models_registry.models.collection import Collection
from models_registry.models.model import Model, Status, Viewer
from models_registry.models.version import ModelVersion
from models_registry.permissions import (
    can_delete_files,
    can_edit_model,
    can_edit_version,
    can_read_history,
)
from models_registry.queries import ModelDetail


@dataclass(frozen=True, slots=True)
class Rights:
    """What the menu of the model's own people offers."""

    history: bool
    archive: bool
    restore: bool
    delete_files: bool

    @property
    def any(self) -> bool:
        """Whether there is anything to offer."""
        return self.history or self.archive or self.restore or self.delete_files


@dataclass(frozen=True, slots=True)
class ModelActions:
    """What `models/_actions.html` prints."""

    model: Model
    version: ModelVersion | None
    detail: ModelDetail
    collections: list[Collection]
    can_edit_version: bool
    rights: Rights


def model_actions(*, viewer: Viewer, detail: ModelDetail, index: int | None) -> ModelActions:
    """The buttons at one version; needs nothing of what the version holds."""
    model, version = detail.model, detail.version(index)
    return ModelActions(
        model=model,
        version=version,
        detail=detail,
        collections=collections_for(viewer, model),
        can_edit_version=version is not None and can_edit_version(viewer, version),
        rights=_rights(viewer, model, version),
    )


def _rights(viewer: Viewer, model: Model, version: ModelVersion | None) -> Rights:
    may_edit = can_edit_model(viewer, model)
    return Rights(
        history=can_read_history(viewer, model),
        archive=may_edit and model.status == Status.PUBLISHED,
        restore=may_edit and model.status == Status.ARCHIVED,
        delete_files=version is not None and can_delete_files(viewer, version),
    )
