"""`python -m training.engine`."""

from training.engine.machine.lifetime import run_and_leave
from training.engine.program import run

run_and_leave(run)
