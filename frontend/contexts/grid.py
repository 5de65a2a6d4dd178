"""The page of a preview grid: tables of checkpoints across and weights down, cells as they come."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import Label
from frontend.forms.grid import GridForm
from frontend.templatetags.words import decimal
from hub.accounts.models import User
from hub.storage.pictures import picture_url
from training.jobs.failure_words import FailureText, failure_text
from training.jobs.grid_queries import cells_of, checkpoints_of, grids_ahead
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import GridCell, PreviewGrid
from training.jobs.models.job import Job
from training.jobs.permissions import can_control_job, can_publish_job
from training.jobs.queries import artifacts_of
from training.jobs.services.grids import WEIGHTED_METHODS

CELL_WIDTH = 320
CHOSEN_AT_FIRST = 4
PROMPTS_AT_FIRST = 2
STATE_KINDS = {
    GridState.QUEUED: "info",
    GridState.RUNNING: "live",
    GridState.DONE: "ok",
    GridState.FAILED: "danger",
    GridState.CANCELED: "",
}
Key = tuple[int, UUID | None, float | None, float, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture, or the box that waits for it."""

    id: str
    label: str
    url: str = ""
    thumbnail_url: str = ""
    use_url: str = ""


@dataclass(frozen=True, slots=True)
class WeightRow:
    """All checkpoints at one weight."""

    label: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class GridTable:
    """One prompt, CFG and seed; the base alone stands before the checkpoints."""

    prompt: str
    facts: str
    base: Cell
    rows: list[WeightRow]


@dataclass(frozen=True, slots=True)
class GridContext:
    """`/grids/<id>/`."""

    grid: PreviewGrid
    badge: Label
    columns: list[str]
    tables: list[GridTable]
    made: int
    ahead: int
    has_weight: bool
    can_control: bool
    failure: FailureText | None


def can_draw_grid(viewer: User, job: Job) -> bool:
    """Whether the run has what a grid is made of, and the viewer may ask for one."""
    return job.step > 0 and can_control_job(viewer, job)


def grid_form(job: Job, posted: object = None) -> GridForm:
    """The form with the last checkpoints and the run's own prompts chosen."""
    checkpoints = list(artifacts_of(job, ArtifactKind.CHECKPOINT))
    sampling = job.config.get("sampling") or {}
    lines = [line for line in job.config.get("sample_prompts") or [] if isinstance(line, str)]
    return GridForm(
        posted,
        choices=[(str(row.pk), checkpoint_label(row)) for row in checkpoints],
        has_weight=job.method in WEIGHTED_METHODS,
        initial={
            "checkpoints": [str(row.pk) for row in checkpoints[-CHOSEN_AT_FIRST:]],
            "prompts": "\n".join(lines[:PROMPTS_AT_FIRST]),
            "guidances": decimal(sampling.get("guidance", 7.0)),
            "seeds": str(sampling.get("seed", 1)),
        },
    )


def grid_context(viewer: User, grid: PreviewGrid) -> GridContext:
    """Everything the page prints; a constant number of queries."""
    checkpoints, made = checkpoints_of(grid), cells_of(grid)
    by_key = {_key(cell): cell for cell in made}
    publish = can_publish_job(viewer, grid.job)
    use_url = reverse("publish_run", args=[grid.job.number]) if publish else ""
    return GridContext(
        grid=grid,
        badge=Label(str(grid.get_state_display()), STATE_KINDS[GridState(grid.state)]),
        columns=[checkpoint_label(row) for row in checkpoints],
        tables=_tables(grid, checkpoints, by_key, use_url),
        made=len(made),
        ahead=grids_ahead(grid) if grid.state == GridState.QUEUED else 0,
        has_weight=grid.job.method in WEIGHTED_METHODS,
        can_control=can_control_job(viewer, grid.job),
        failure=(
            failure_text(grid.error_code, grid.error_params, grid.error_message)
            if grid.error_code
            else None
        ),
    )


def checkpoint_label(artifact: JobArtifact) -> str:
    """How people call a checkpoint."""
    return _("Final") if artifact.is_final else _("Epoch %d") % artifact.epoch


def _tables(
    grid: PreviewGrid, checkpoints: list[JobArtifact], cells: dict[Key, GridCell], use_url: str
) -> list[GridTable]:
    tables = []
    for guidance in grid.guidances:
        for seed in grid.seeds:
            for number, prompt in enumerate(grid.prompts):
                one = _Table(number, guidance, seed, cells, use_url)
                facts = _("CFG %(cfg)s · seed %(seed)s") % {"cfg": decimal(guidance), "seed": seed}
                rows = [one.row(weight, checkpoints) for weight in grid.weights]
                tables.append(GridTable(prompt.split(" --")[0], facts, one.base(), rows))
    return tables


@dataclass(frozen=True, slots=True)
class _Table:
    """The cells of one prompt, CFG and seed."""

    prompt_index: int
    guidance: float
    seed: int
    cells: dict[Key, GridCell]
    use_url: str

    def base(self) -> Cell:
        return self._cell(None, None, _("Base model alone"))

    def row(self, weight: float, checkpoints: list[JobArtifact]) -> WeightRow:
        words = _("%(checkpoint)s, weight %(weight)s")
        cells = [
            self._cell(
                row,
                weight,
                words % {"checkpoint": checkpoint_label(row), "weight": decimal(weight)},
            )
            for row in checkpoints
        ]
        return WeightRow(decimal(weight), cells)

    def _cell(self, checkpoint: JobArtifact | None, weight: float | None, label: str) -> Cell:
        pk = checkpoint.pk if checkpoint else None
        found = self.cells.get((self.prompt_index, pk, weight, self.guidance, self.seed))
        if found is None:
            return Cell("", label)
        use = f"{self.use_url}?checkpoint={pk}&weight={weight:g}" if self.use_url and pk else ""
        return Cell(
            id=f"c-{found.pk}",
            label=label,
            url=picture_url(found.blob),
            thumbnail_url=picture_url(found.blob, CELL_WIDTH),
            use_url=use,
        )


def _key(cell: GridCell) -> Key:
    return (cell.prompt_index, cell.checkpoint_id, cell.weight, cell.guidance, cell.seed)
