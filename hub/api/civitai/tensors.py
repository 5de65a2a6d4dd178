"""`GET /api/v1/model-files/{id}/tensor-metadata`: what the header of a safetensors file says."""

import math
from collections import Counter
from typing import Any

from django.http import HttpRequest

from hub.api.civitai.endpoint import FOR_EVER, Access, Caller, endpoint
from hub.api.civitai.parameters import MAX_ID, id_in, truth
from hub.api.civitai.refusals import ParameterError
from hub.formats.safetensors_header import SafetensorsHeader
from models_registry.queries import file_of
from models_registry.tensors import header_of

#: Programs load wider numbers as half precision: this many bytes a parameter at most.
LOADED_BYTES = 2


@endpoint(access=Access.MIXED, cache=FOR_EVER)
def tensor_metadata(request: HttpRequest, caller: Caller, file_id: str) -> dict[str, Any]:
    """Totals, and unless `summaryOnly` each tensor in the header's own order."""
    number = id_in(file_id)
    if not 1 <= number <= MAX_ID:
        raise ParameterError("id", "Invalid id")
    file = file_of(viewer=caller.viewer, file_id=number)
    header = header_of(viewer=caller.viewer, file=file)
    summary = {"modelFileId": file.pk, "modelVersionId": file.version_id, **_summary(header)}
    if truth(request.GET, "summaryOnly"):
        return summary
    tensors = [
        {
            "name": tensor.name,
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "sizeBytes": tensor.size_bytes,
        }
        for tensor in header.tensors
    ]
    return summary | {"tensors": tensors}


def _summary(header: SafetensorsHeader) -> dict[str, Any]:
    """Counts; the estimate is of the weights alone, loaded in half precision."""
    parameters = [math.prod(tensor.shape) for tensor in header.tensors]
    loaded = (
        min(tensor.size_bytes, count * LOADED_BYTES)
        for tensor, count in zip(header.tensors, parameters, strict=True)
    )
    return {
        "tensorCount": len(header.tensors),
        "parameterCount": sum(parameters),
        "sizeBytes": header.data_bytes,
        "estimatedVramBytes": sum(loaded),
        "dtypes": dict(Counter(tensor.dtype for tensor in header.tensors)),
    }
