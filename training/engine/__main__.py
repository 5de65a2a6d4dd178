"""`python -m training.engine`."""

import sys

from training.engine.program import run

sys.exit(run())
