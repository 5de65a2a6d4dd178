"""`python -m hub.embedded`: the same as `manage.py up`, without loading Django into the runner."""

import argparse
import sys

from hub.embedded.process import stop_when_parent_ends
from hub.embedded.up import main

parser = argparse.ArgumentParser(prog="python -m hub.embedded", description=main.__doc__)
parser.add_argument("--reload", action="store_true", help="restart the web process on changes")
parser.add_argument(
    "--with-parent", action="store_true", help="stop when the process that started this ends"
)
options = parser.parse_args()
if options.with_parent:
    stop_when_parent_ends()
sys.exit(main(reload=options.reload))
