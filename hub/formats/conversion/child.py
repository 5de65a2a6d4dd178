"""The process that converts one file: input on descriptor 0, answer on 1, output on the one named.

Started by `hub.formats.conversion.running` as `python -I -S`, with no environment, in an empty
folder. The answer is one line of JSON.
"""

import json
import os
import sys
from typing import NoReturn

from hub.formats.conversion.lockdown import Allowance, lock_down
from hub.formats.conversion.naming import find_weights
from hub.formats.conversion.problems import (
    NOT_READABLE,
    OUT_OF_MEMORY,
    OUTPUT_TOO_LARGE,
    ConversionError,
)
from hub.formats.conversion.torch_file import open_torch_file
from hub.formats.conversion.writing import write_weights

# Looked up by name while reading, when nothing can be imported any more.
CODECS = ("utf-8", "latin-1", "ascii", "cp437", "raw_unicode_escape", "unicode_escape")


def main() -> NoReturn:
    """Lock down, convert, answer, and end without clean-up."""
    order = json.loads(sys.argv[2])
    for codec in CODECS:
        "".encode(codec)
    source = os.fdopen(0, "rb", closefd=False)
    out = os.fdopen(order["output"], "wb", closefd=False)
    allowance = Allowance(**order["allowance"])
    lock_down(allowance)
    answer = _convert(source, out, allowance, order)
    os.write(1, json.dumps(answer).encode())
    os._exit(0)


def _convert(source, out, allowance: Allowance, order) -> dict[str, object]:  # type: ignore[no-untyped-def]
    try:
        with open_torch_file(source) as file:
            weights = find_weights(file.content, max_tensors=order["max_tensors"])
            size = write_weights(
                file, weights, out, max_bytes=allowance.output_bytes, about=order["about"]
            )
    except ConversionError as error:
        return {"problem": error.code, "params": {k: str(v) for k, v in error.params.items()}}
    except MemoryError:
        params = {"limit": str(allowance.memory_bytes)}
        return {"problem": OUT_OF_MEMORY.code, "params": params}
    except OSError:
        params = {"limit": str(allowance.output_bytes)}
        return {"problem": OUTPUT_TOO_LARGE.code, "params": params}
    except Exception as error:
        params = {"reason": type(error).__name__}
        return {"problem": NOT_READABLE.code, "params": params}
    return {"tensors": len(weights.tensors), "size_bytes": size}
