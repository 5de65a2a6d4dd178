"""A ComfyUI graph in API form, and safe walks over it: no cycle and no depth can hold one up."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub.formats.generation.values import to_mapping

MAX_NODES = 10_000
MAX_DEPTH = 64
VALUE_INPUTS = (
    *("value", "seed", "noise_seed", "int", "float", "number", "INT", "FLOAT", "a"),
    *("text", "string", "populated_text", "STRING", "prompt", "text_0", "width", "height"),
)


@dataclass(frozen=True)
class Node:
    """One node: `inputs` maps a name to a value or to a link `[node id, output slot]`."""

    id: str
    class_type: str
    inputs: Mapping[str, object]


@dataclass(frozen=True)
class Link:
    """The far end of a connected input."""

    node: Node
    slot: int


class Graph:
    """The nodes of one prompt."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        """Take the nodes by id."""
        self.nodes = nodes

    def link(self, node: Node, *names: str) -> Link | None:
        """Return the source of the first of these inputs that is connected."""
        for name in names:
            value = node.inputs.get(name)
            if isinstance(value, list) and len(value) == 2:
                source = self.nodes.get(str(value[0]))
                if source is not None:
                    return Link(source, value[1] if isinstance(value[1], int) else 0)
        return None

    def source(self, node: Node, *names: str) -> Node | None:
        """Return the node behind the first of these inputs that is connected."""
        link = self.link(node, *names)
        return link.node if link else None

    def value(self, node: Node, *names: str) -> object:
        """Return the first given value, following links to nodes that only hold one."""
        for name in names:
            found = self._value(node, name, depth=MAX_DEPTH)
            if found is not None:
                return found
        return None

    def upstream(self, start: Node, *, first: tuple[str, ...] = ()) -> Iterator[Node]:
        """Yield every node that feeds `start`, nearest first, once; `first` names come earlier."""
        seen = {start.id}
        level = [start]
        while level:
            following: list[Node] = []
            for node in level:
                for name in (*first, *node.inputs):
                    source = self.source(node, name)
                    if source is not None and source.id not in seen:
                        seen.add(source.id)
                        following.append(source)
            yield from following
            level = following

    def chain(self, start: Node, *names: str) -> Iterator[Node]:
        """Yield the nodes met by following one kind of input again and again."""
        seen = {start.id}
        node = self.source(start, *names)
        while node is not None and node.id not in seen:
            seen.add(node.id)
            yield node
            node = self.source(node, *names)

    def _value(self, node: Node, name: str, *, depth: int) -> object:
        value = node.inputs.get(name)
        if not isinstance(value, list):
            return value
        source = self.source(node, name)
        if source is None or depth == 0:
            return None
        for candidate in (name, *VALUE_INPUTS):
            if candidate in source.inputs:
                return self._value(source, candidate, depth=depth - 1)
        return None


def read_graph(text: str) -> Graph | None:
    """Read a graph in API form; None if the text is something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    nodes = {
        node_id: Node(node_id, entry["class_type"], to_mapping(entry.get("inputs")))
        for node_id, entry in to_mapping(value).items()
        if isinstance(entry, dict) and isinstance(entry.get("class_type"), str)
    }
    return Graph(nodes) if 0 < len(nodes) <= MAX_NODES else None
