import os
import subprocess
import sys

import pytest

from training.engine.machine.threads import wait_passively


@pytest.mark.parametrize(("given", "kept"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_sleep_while_they_wait_unless_somebody_chose(monkeypatch, given, kept):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if given:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == kept


def test_the_choice_comes_before_torch_is_loaded():
    code = "import sys, training.engine.cli; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
