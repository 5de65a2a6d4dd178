import pytest

from tests.load.plans import read_whole

TABLES = {"models": 100_000.0}


def scan(kind: str, rows: float, removed: float = 0, loops: int = 1, table: str = "models"):
    node = {"Node Type": kind, "Relation Name": table, "Actual Loops": loops}
    node |= {"Actual Rows": rows, "Rows Removed by Filter": removed}
    return {"Node Type": "Limit", "Actual Loops": 1, "Actual Rows": 25, "Plans": [node]}


@pytest.mark.parametrize(
    ("plan", "is_whole"),
    [
        (scan("Index Only Scan", 25, 99_000), True),
        (scan("Index Scan", 25, 40_000), False),
        (scan("Bitmap Heap Scan", 3, 49_997), True),
        (scan("Index Scan", 1, 0, loops=60_000), True),
        (scan("Seq Scan", 25), True),
        (scan("Seq Scan", 0, loops=0), False),
        (scan("Seq Scan", 40, table="base_models"), False),
    ],
)
def test_a_table_is_read_whole_by_what_a_scan_goes_through(plan, is_whole):
    assert set(read_whole(plan, TABLES)) == ({"models"} if is_whole else set())
