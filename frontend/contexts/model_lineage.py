"""`/models/versions/7/lineage/`: bases, run, dataset snapshot, descendants."""

from dataclasses import dataclass

from django.urls import reverse

from frontend.contexts.model_facts import run_url
from models_registry.lineage import Relative, lineage_of
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion
from training.datasets.queries import dataset_of_snapshot


@dataclass(frozen=True, slots=True)
class RelativeRow:
    """One version of the family."""

    title: str
    version_name: str
    type_label: str
    author: str
    url: str
    depth: int


@dataclass(frozen=True, slots=True)
class LineageContext:
    """Where a version comes from and what came from it."""

    version: ModelVersion
    run_url: str
    dataset_name: str
    dataset_url: str
    bases: list[RelativeRow]
    descendants: list[RelativeRow]
    hidden_base: bool
    base_sha256: str


def lineage_context(*, viewer: Viewer, version: ModelVersion) -> LineageContext:
    """The page's rows in a constant number of queries."""
    found = lineage_of(viewer=viewer, version=version)
    dataset = dataset_of_snapshot(viewer, version.dataset_snapshot_uuid)
    return LineageContext(
        version=version,
        run_url=run_url(version) if version.job_uuid else "",
        dataset_name=dataset.name if dataset else "",
        dataset_url=reverse("dataset", args=[dataset.slug]) if dataset else "",
        bases=[_row(relative) for relative in found.bases],
        descendants=[_row(relative) for relative in found.descendants],
        hidden_base=found.hidden_base,
        base_sha256=version.base_model_sha256,
    )


def _row(relative: Relative) -> RelativeRow:
    version = relative.version
    model = version.model
    return RelativeRow(
        title=model.name,
        version_name=version.name,
        type_label=model.get_type_display(),
        author=model.owner.public_name,
        url=f"{reverse('model', args=[model.slug])}?v={version.index}",
        depth=relative.depth,
    )
