"""What gives way, one thing after the other, where memory runs out while pictures are encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from training.engine.components import Components
from training.engine.data.latents import LatentCache
from training.engine.errors import OutOfMemoryError
from training.engine.machine.memory import going_on, let_go
from training.engine.machine.paging import page_out_module

Made = TypeVar("Made")
MAIN_MEMORY = "cpu"
OTHERS_ASIDE, ON_THE_CPU = "others_aside", "on_the_cpu"


def ladder(device: str) -> list[str]:
    """Return what is done on a device, in this order.

    Pictures are encoded one by one, so no batch is left to split: first what does not encode
    (UNet, text encoders) leaves the device's memory, then the VAE does and encodes on the CPU.
    """
    return [OTHERS_ASIDE] if device == MAIN_MEMORY else [OTHERS_ASIDE, ON_THE_CPU]


class EncodingRoom:
    """Encodes picture by picture, and makes room where there is none.

    Values stay the same within rounding.
    """

    def __init__(
        self, components: Components, cache: LatentCache, on_warning: Callable[[str, str], None]
    ) -> None:
        self._components = components
        self._cache = cache
        self._on_warning = on_warning
        self.rungs = ladder(components.device)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Put everything back where it was, once all pictures are encoded."""
        device, rungs = self._components.device, list(self.rungs)
        try:
            yield
        finally:
            if self.rungs != rungs:
                for module in (self._components.vae, *self._others):
                    module.to(device)
                self._cache.device, self.rungs = device, rungs

    def encode(self, attempt: Callable[[], Made]) -> Made:
        """Return what an attempt makes, in whatever room there is; raises OutOfMemoryError."""
        return going_on(attempt, self._give_way)

    @property
    def _others(self) -> tuple[Any, ...]:
        return (self._components.unet, *self._components.text_encoders)

    def _give_way(self, reason: str) -> None:
        if not self.rungs:
            raise OutOfMemoryError(
                "The memory of the device is not enough to encode one picture. Lower the "
                f"resolution. ({reason})"
            )
        if self.rungs.pop(0) == OTHERS_ASIDE:
            said = "the UNet and the text encoders are put aside until the pictures are encoded"
            for module in self._others:
                module.to(MAIN_MEMORY)
                page_out_module(module)
        else:
            said = "the pictures are encoded on the CPU"
            self._components.vae.to(MAIN_MEMORY)
            self._cache.device = MAIN_MEMORY
        let_go(self._components.device)
        self._on_warning("out_of_memory", f"Memory ran out; {said}, beginning with this one again.")
