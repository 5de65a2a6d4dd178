"""Everything Django has to know of datasets; import each class from its own module."""

from training.datasets.models import dataset, importing, item, snapshot, tag, tagging

__all__ = ["dataset", "importing", "item", "snapshot", "tag", "tagging"]
