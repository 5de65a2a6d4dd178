import os
import subprocess
import sys

import pytest

from training.engine.machine.environment import CHOICES, choose_for_torch


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("given", [None, "other"])
def test_each_choice_holds_unless_somebody_made_another(monkeypatch, name, given):
    monkeypatch.setenv(name, given or "")  # what is there now comes back
    if not given:
        monkeypatch.delenv(name)
    choose_for_torch()
    assert os.environ[name] == (given or CHOICES[name])


def test_the_choice_comes_before_torch_is_loaded():
    code = "import sys, training.engine.cli; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
