"""Resources that a prompt names, and the hashes that infotexts list for them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from hub.formats.generation.types import GenerationResource, ResourceKind
from hub.formats.generation.values import to_float

# No part can match what ends it, so the search is linear.
NETWORK = re.compile(r"<(lora|lyco|hypernet):([^:<>\n]+)((?::[^<>\n]*)?)>")
COMFY_EMBEDDING = re.compile(r"\bembedding:([^\s,:()<>\[\]{}|]+)")
DEFAULT_WEIGHT = 1.0
HASH_PREFIXES: Mapping[str, ResourceKind] = {
    "lora": ResourceKind.LORA,
    "lyco": ResourceKind.LORA,
    "embed": ResourceKind.EMBEDDING,
    "hypernet": ResourceKind.HYPERNETWORK,
}
_Key = tuple[ResourceKind, str]


def networks_in_prompt(prompt: str) -> Iterator[GenerationResource]:
    """Yield what `<lora:name:weight>`, `<lyco:...>` and `<hypernet:...>` name, in order."""
    for word, name, arguments in NETWORK.findall(prompt):
        kind = ResourceKind.HYPERNETWORK if word == "hypernet" else ResourceKind.LORA
        yield GenerationResource(kind, name.strip(), _weight(arguments))


def embeddings_in_prompt(text: str) -> Iterator[GenerationResource]:
    """Yield what ComfyUI's `embedding:name` names."""
    for name in COMFY_EMBEDDING.findall(text):
        yield GenerationResource(ResourceKind.EMBEDDING, name)


def read_hash_list(value: str) -> dict[str, str] | None:
    """Read `name: hash, name: hash`; None if it is something else."""
    result: dict[str, str] = {}
    for part in value.split(","):
        if part.strip():
            name, colon, digest = part.rpartition(":")
            if not colon or not name.strip() or name.strip() in result:
                return None
            result[name.strip()] = digest.strip()
    return result or None


def write_hash_list(resources: Iterable[GenerationResource], kind: ResourceKind) -> str:
    """Write the hashes of one kind as A1111 does; empty if there are none."""
    return ", ".join(
        f"{resource.name}: {resource.hash}"
        for resource in resources
        if resource.kind is kind and resource.hash is not None
    )


def collect_resources(
    named: Iterable[GenerationResource],
    hashes: Iterable[tuple[ResourceKind, Mapping[str, str]]],
) -> tuple[GenerationResource, ...]:
    """Join what a prompt names with listed hashes; what is only listed comes after it."""
    found: dict[_Key, GenerationResource] = {}
    for resource in named:
        found.setdefault((resource.kind, resource.name), resource)
    for kind, listed in hashes:
        for name, digest in listed.items():
            known = found.get((kind, name), GenerationResource(kind, name))
            found[kind, name] = known if known.hash else replace(known, hash=digest)
    return tuple(found.values())


def hashes_by_kind(
    hashes: Mapping[str, str],
) -> Iterator[tuple[ResourceKind, Mapping[str, str]]]:
    """Sort the entries `lora:name`, `embed:name`, ... of a Hashes object by kind."""
    for key, digest in hashes.items():
        prefix, colon, name = key.partition(":")
        if colon and name and prefix in HASH_PREFIXES:
            yield HASH_PREFIXES[prefix], {name: digest}


def _weight(arguments: str) -> float:
    """Read the first number among `:0.7`, `:0.7:0.5` or `:te=0.5:unet=0.8`."""
    for argument in arguments.split(":"):
        weight = to_float(argument.rpartition("=")[2])
        if weight is not None:
            return weight
    return DEFAULT_WEIGHT
