import os

import pytest

from training.engine.machine.pages import take_large_pages


@pytest.mark.parametrize(("given", "kept"), [(None, "1"), ("0", "0")])
def test_large_tensors_get_large_pages_unless_somebody_chose(monkeypatch, given, kept):
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    if given:
        monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", given)
    take_large_pages()
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == kept
