"""Generation data from the graph that ComfyUI stores in a picture (`prompt`, `workflow`).

The walk starts at the samplers and goes against the arrows: conditioning to texts, model through
LoRA loaders to the checkpoint, latent to the size. Unknown nodes are passed through.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

from hub.formats.generation.comfyui_graph import Graph, Link, Node, read_graph
from hub.formats.generation.prompt_resources import (
    collect_resources,
    embeddings_in_prompt,
    networks_in_prompt,
)
from hub.formats.generation.sampler_names import a1111_sampler, a1111_schedule
from hub.formats.generation.types import (
    GenerationData,
    GenerationResource,
    GenerationSource,
    ResourceKind,
)
from hub.formats.generation.values import file_stem, to_float, to_int, to_mapping, to_text

TEXT_INPUTS = (
    "text",
    "text_g",
    "text_l",
    "populated_text",
    "t5xxl",
    "clip_l",
    "prompt",
    "wildcard_text",
)
CONDITIONING_INPUTS = (
    *("conditioning", "positive", "negative", "cond", "conditioning_1", "conditioning_2"),
    *("conditioning_to", "conditioning_from", "base_ctx", "context"),
)
CHECKPOINT_INPUTS = ("ckpt_name", "unet_name", "base_ckpt_name")
MODEL_INPUTS = ("model", "base_model", "guider", "model1", "pipe", "basic_pipe")
LATENT_INPUTS = ("latent_image", "samples", "latent", "pixels", "image")
MAX_TEXT_DEPTH = 20


def parse_comfyui(prompt: str, workflow: str | None = None) -> GenerationData | None:
    """Read the graph in API form; None if `prompt` is none or holds no sampler."""
    graph = read_graph(prompt)
    if graph is None:
        return None
    samplers = [node for node in graph.nodes.values() if _is_sampler(node)]
    if not samplers:
        return None
    base, last = _first_and_last(graph, samplers)
    raw = f'{{"prompt": {prompt}, "workflow": {workflow}}}' if workflow else prompt
    data = _read_sampler(graph, base)
    if last is not base:
        final = _read_sampler(graph, last)
        data = replace(data, hires_steps=final.steps, denoising_strength=final.denoising_strength)
    return replace(data, raw=raw)


def parse_workflow_only(workflow: str) -> GenerationData | None:
    """Keep an editor graph without API form, so that it can be copied; nothing is read from it."""
    try:
        value = to_mapping(json.loads(workflow))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value.get("nodes"), list):
        return None
    return GenerationData(source=GenerationSource.COMFYUI, raw=workflow)


def _is_sampler(node: Node) -> bool:
    inputs = node.inputs
    return ("positive" in inputs and ("steps" in inputs or "sigmas" in inputs)) or (
        "guider" in inputs and "sigmas" in inputs
    )


def _first_and_last(graph: Graph, samplers: list[Node]) -> tuple[Node, Node]:
    """Return the sampler that starts from noise and the one that made the final picture."""
    ids = {sampler.id for sampler in samplers}
    fed_by = {
        sampler.id: [node for node in graph.upstream(sampler) if node.id in ids]
        for sampler in samplers[:32]
    }
    last = max(samplers, key=lambda sampler: len(fed_by.get(sampler.id, ())))
    earlier = fed_by.get(last.id, [])
    return (earlier[-1] if earlier else last), last


def _read_sampler(graph: Graph, sampler: Node) -> GenerationData:
    parts = _SamplerParts(graph, sampler)
    positive, negative = parts.text("positive"), parts.text("negative")
    loaders = list(_loras(graph, sampler))
    named = [*loaders, *networks_in_prompt(positive)]
    named += [*embeddings_in_prompt(positive), *embeddings_in_prompt(negative)]
    sampler_name = to_text(parts.value("sampler_name"))
    scheduler = to_text(parts.value("scheduler"))
    denoise = to_float(parts.value("denoise"))
    width, height = _size(graph, sampler)
    return GenerationData(
        prompt=positive,
        negative_prompt=negative,
        steps=to_int(parts.value("steps")),
        sampler=a1111_sampler(sampler_name),
        schedule_type=a1111_schedule(scheduler),
        cfg_scale=to_float(parts.value("cfg", "guidance")),
        seed=to_int(parts.value("seed", "noise_seed")),
        width=width,
        height=height,
        model=_first_file(graph, sampler, CHECKPOINT_INPUTS, MODEL_INPUTS),
        vae=_vae(graph),
        denoising_strength=denoise if denoise is not None and denoise < 1 else None,
        clip_skip=_clip_skip(graph, sampler),
        resources=collect_resources(named, ()),
        extra=dict(_sampler_extra(sampler_name, scheduler, parts)),
        source=GenerationSource.COMFYUI,
    )


def _sampler_extra(
    sampler: str | None, scheduler: str | None, parts: "_SamplerParts"
) -> Iterator[tuple[str, str]]:
    """Yield ComfyUI's own words beside the translated ones."""
    if sampler:
        yield "ComfyUI sampler", sampler
    if scheduler:
        yield "ComfyUI scheduler", scheduler
    guidance = to_float(parts.value("guidance"))
    if guidance is not None:
        yield "Distilled CFG Scale", str(guidance)


class _SamplerParts:
    """A sampler's settings, wherever they are: custom samplers spread them over helper nodes."""

    def __init__(self, graph: Graph, sampler: Node) -> None:
        self._graph = graph
        helpers = ("sampler", "sigmas", "noise", "guider", "basic_pipe", "context")
        found = [graph.source(sampler, name) for name in helpers]
        self._nodes = [sampler, *(node for node in found if node is not None)]
        self._nodes += [node for node in graph.upstream(sampler) if "guidance" in node.inputs][:1]

    def value(self, *names: str) -> object:
        """Return the first value with one of these names."""
        for node in self._nodes:
            found = self._graph.value(node, *names)
            if found is not None:
                return found
        return None

    def text(self, side: str) -> str:
        """Return the text of the positive or negative conditioning."""
        names = ("positive", "conditioning") if side == "positive" else ("negative",)
        for node in self._nodes:
            link = self._graph.link(node, *names)
            if link is not None:
                parts = _texts(self._graph, link, side, set(), MAX_TEXT_DEPTH)
                return "\n".join(dict.fromkeys(parts))
        return ""


def _texts(graph: Graph, link: Link, side: str, seen: set[str], depth: int) -> Iterator[str]:
    """Yield the texts behind a conditioning; nodes with two sides are left by the side entered."""
    node = link.node
    if node.id in seen or depth == 0:
        return
    seen.add(node.id)
    own = [to_text(graph.value(node, name)) for name in TEXT_INPUTS if name in node.inputs]
    if any(own):
        yield from (text for text in own if text)
        return
    two_sided = "positive" in node.inputs and "negative" in node.inputs
    if two_sided:
        side = "negative" if link.slot == 1 else "positive"
    for name in (side,) if two_sided else CONDITIONING_INPUTS:
        following = graph.link(node, name)
        if following is not None:
            yield from _texts(graph, following, side, seen, depth - 1)


def _loras(graph: Graph, sampler: Node) -> Iterator[GenerationResource]:
    """Yield the LoRA files between the checkpoint and the sampler, in loading order."""
    loaders = [node for node in graph.upstream(sampler, first=MODEL_INPUTS) if _has_lora(node)]
    for node in reversed(loaders):
        yield from _loader_entries(graph, node)


def _has_lora(node: Node) -> bool:
    return any(name.startswith("lora") for name in node.inputs)


def _loader_entries(graph: Graph, node: Node) -> Iterator[GenerationResource]:
    name = to_text(graph.value(node, "lora_name"))
    if name:
        weight = to_float(graph.value(node, "strength_model", "lora_model_strength", "strength"))
        yield from _lora(name, weight)
    for key, value in node.inputs.items():
        entry = to_mapping(value)  # the rows of a "power loader"
        if key.startswith("lora_") and entry.get("on") and to_text(entry.get("lora")):
            yield from _lora(str(entry["lora"]), to_float(entry.get("strength")))


def _lora(name: str, weight: float | None) -> Iterator[GenerationResource]:
    if weight != 0 and name != "None":
        yield GenerationResource(ResourceKind.LORA, file_stem(name), weight)


def _first_file(
    graph: Graph, start: Node, names: tuple[str, ...], first: tuple[str, ...]
) -> str | None:
    for node in (start, *graph.upstream(start, first=first)):
        found = to_text(graph.value(node, *names))
        if found:
            return file_stem(found)
    return None


def _vae(graph: Graph) -> str | None:
    """Return the separate VAE, if one is loaded; decoders stand behind the samplers."""
    for node in graph.nodes.values():
        if "vae_name" in node.inputs and "control" not in node.class_type.lower():
            name = to_text(graph.value(node, "vae_name"))
            return file_stem(name) if name else None
    return None


def _size(graph: Graph, sampler: Node) -> tuple[int | None, int | None]:
    for node in (sampler, *graph.chain(sampler, *LATENT_INPUTS)):
        width = to_int(graph.value(node, "width", "empty_latent_width"))
        height = to_int(graph.value(node, "height", "empty_latent_height"))
        if width and height:
            return width, height
    return None, None


def _clip_skip(graph: Graph, sampler: Node) -> int | None:
    for node in graph.upstream(sampler):
        layer = to_int(graph.value(node, "stop_at_clip_layer", "clip_skip"))
        if layer is not None and layer != 0:
            return abs(layer)
    return None
