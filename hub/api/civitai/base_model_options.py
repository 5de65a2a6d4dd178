"""`/models?baseModels=GetModels`: how WebUI browsers ask which base models there are.

No base model has that name, and Civitai's validator tells in its refusal which ones it knows. Older
versions of the extensions look below `issues`, newer ones into the JSON text of `message`.
"""

import json
from collections.abc import Collection

from django.http import HttpResponseBase, QueryDict

from hub.api.civitai.parameters import listed
from hub.api.civitai.refusals import validator_refusal
from models_registry.queries import base_models

ASKED = ["GetModels"]
PATH = ["baseModels"]


def asks_for_options(query: QueryDict) -> bool:
    """Whether this is the question and no filter."""
    return listed(query, "baseModels", "baseModel") == ASKED


def options_refusal() -> HttpResponseBase:
    """The validator's refusal with the names of all base models, 400."""
    names = [row.name for row in base_models(active_only=False)]
    detail = {"name": "ZodError", "message": json.dumps(_newer(names)), "issues": _older(names)}
    return validator_refusal(detail)


def _newer(names: Collection[str]) -> list[object]:
    inner = {"code": "invalid_value", "values": names, "path": [], "message": "Invalid option"}
    outer = {"code": "invalid_union", "errors": [[inner]], "path": PATH, "message": "Invalid input"}
    return [outer]


def _older(names: Collection[str]) -> list[object]:
    received = {"received": ASKED[0], "code": "invalid_enum_value", "options": names, "path": PATH}
    inner = {"issues": [received], "name": "ZodError"}
    outer = {"code": "invalid_union", "unionErrors": [inner], "path": PATH}
    return [outer | {"message": "Invalid input"}]
