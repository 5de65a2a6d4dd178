"""Comparisons, from the reads to what the model's page and their own pages print."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import Label
from frontend.contexts.grid import CELL_WIDTH, STATE_KINDS, Cell
from frontend.templatetags.words import decimal
from hub.storage.pictures import picture_url
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion
from training.jobs.comparison_queries import SHOWN, comparisons_of, drawn_ahead, is_compared
from training.jobs.failure_words import FailureText, failure_text
from training.jobs.models.comparison import Comparison, ComparisonCell, ComparisonColumn
from training.jobs.models.drawn import GridState
from training.jobs.permissions import can_change_comparison

STRIP = 6


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """What a column was drawn with; names of what the viewer may not see are left out."""

    base: str
    base_url: str
    vae: str
    use: str

    @property
    def label(self) -> str:
        """All of it in one line."""
        return " · ".join(filter(None, [self.base, self.vae, self.use]))


@dataclass(frozen=True, slots=True)
class SeedRow:
    """One prompt and seed across all columns."""

    prompt: str
    seed: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class ComparisonContext:
    """`/comparisons/<id>/`, and one of the list on a model's page."""

    comparison: Comparison
    url: str
    badge: Label
    heads: list[ColumnHead]
    rows: list[SeedRow]
    facts: str
    ahead: int
    can_change: bool
    failure: FailureText | None

    @property
    def strip(self) -> list[tuple[ColumnHead, Cell]]:
        """The beginning of the first row, as the model's page shows it."""
        cells = self.rows[0].cells if self.rows else []
        return list(zip(self.heads, cells, strict=False))[:STRIP]


@dataclass(frozen=True, slots=True)
class ComparisonList:
    """The newest comparisons of a version and how many there are."""

    shown: list[ComparisonContext]
    total: int


def comparison_list(viewer: Viewer, version: ModelVersion, *, all_of_them: bool) -> ComparisonList:
    """What is kept with a version; the page of the model shows the newest ones."""
    if not is_compared(version):
        return ComparisonList([], 0)
    rows = comparisons_of(viewer, version)
    shown = list(rows if all_of_them else rows[:SHOWN])
    is_all = all_of_them or len(shown) < SHOWN
    total = len(shown) if is_all else rows.count()
    return ComparisonList([comparison_context(viewer, row) for row in shown], total)


def comparison_context(viewer: Viewer, comparison: Comparison) -> ComparisonContext:
    """Everything that is printed, from the prefetches of `comparison_queries`."""
    columns = list(comparison.columns.all())
    heads = [_head(column) for column in columns]
    made = {
        (column.pk, cell.prompt_index, cell.seed): cell
        for column in columns
        for cell in column.cells.all()
    }
    version = comparison.version
    is_public = version.model.shows_everyone(version)
    rows = [
        SeedRow(
            prompt,
            seed,
            [
                _cell(made.get((column.pk, number, seed)), head, is_public=is_public)
                for column, head in zip(columns, heads, strict=True)
            ],
        )
        for number, prompt in enumerate(comparison.prompts)
        for seed in comparison.seeds
    ]
    state = GridState(comparison.state)
    return ComparisonContext(
        comparison=comparison,
        url=reverse("comparison", args=[comparison.pk]),
        badge=Label(str(state.label), STATE_KINDS[state]),
        heads=heads,
        rows=rows,
        facts=_facts(comparison),
        ahead=drawn_ahead(comparison) if state == GridState.QUEUED else 0,
        can_change=can_change_comparison(viewer, comparison),
        failure=_failure(comparison),
    )


def _head(column: ComparisonColumn) -> ColumnHead:
    base, is_hidden = column.base, column.base is None and column.base_id is not None
    url = f"{reverse('model', args=[base.model.slug])}?v={base.index}" if base else ""
    hides_vae = column.vae is None and column.vae_id is not None
    use = _("Weight %s") % decimal(column.weight) if column.weight is not None else ""
    return ColumnHead(
        base=_("A checkpoint that is not shared with you") if is_hidden else column.base_name,
        base_url=url,
        vae=_("A VAE that is not shared with you") if hides_vae else column.vae_name,
        use=use or (_("With it") if column.is_applied else ""),
    )


def _cell(cell: ComparisonCell | None, head: ColumnHead, *, is_public: bool) -> Cell:
    if cell is None:
        return Cell("", head.label)
    return Cell(
        id=f"c-{cell.pk}",
        label=head.label,
        url=picture_url(cell.blob, public=is_public),
        thumbnail_url=picture_url(cell.blob, CELL_WIDTH, public=is_public),
    )


def _facts(comparison: Comparison) -> str:
    size = f"{comparison.width} × {comparison.height}" if comparison.width else ""
    steps = _("%(n)d steps") % {"n": comparison.steps}
    cfg = f"CFG {decimal(comparison.guidance)}"
    return " · ".join(filter(None, [steps, cfg, comparison.sampler, size]))


def _failure(comparison: Comparison) -> FailureText | None:
    if comparison.state != GridState.FAILED:
        return None
    return failure_text(comparison.error_code, comparison.error_params, comparison.error_message)
