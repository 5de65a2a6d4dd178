"""What lists count of a few hundred models, read once as plain rows and counted here.

Asked of the database, each count is a query that looks for the same models again.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.core.lookups import KeyedRows, among
from models_registry.filters import ModelFilters
from models_registry.kept_counts import Group
from models_registry.models.model import FACET_COLUMNS, Model


class FacetRow(NamedTuple):
    """The columns of one model that lists count; `base_ids` are those of its public versions."""

    key: int
    type: str
    subject: str
    is_verified: bool
    is_trained_here: bool
    base_ids: list[int]

    @property
    def group(self) -> Group:
        """What is counted together with it."""
        return self[1:5]


def facet_rows(keys: Iterable[int]) -> Sequence[FacetRow]:
    """The columns of models of these keys, in no order."""
    return [FacetRow._make(row) for row in _facet_rows(keys)]


def with_columns(rows: Sequence[FacetRow], filters: ModelFilters) -> Sequence[FacetRow]:
    """Those that meet the filters by type, subject, verified and trained here."""
    return [
        row
        for row in rows
        if (not filters.types or row.type in filters.types)
        and (not filters.subjects or row.subject in filters.subjects)
        and (row.is_verified or not filters.verified)
        and (row.is_trained_here or not filters.trained_here)
    ]


_facet_rows = KeyedRows(
    lambda keys: (
        Model.objects.filter(among("pk", keys))
        .order_by()
        .values_list("pk", *FACET_COLUMNS, "base_ids")
    )
)
