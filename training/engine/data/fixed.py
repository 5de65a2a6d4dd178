"""Held-out pictures as batches that are the same whenever they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from training.engine.data.batches import Batch, FeedRule, Item, Shown, masks_of, time_ids_of


@dataclass(frozen=True)
class FixedFeed:
    """Shows every held-out picture at `draws` noise levels: no flips, no dropout, VAE means.

    Slot `number · draws + draw` belongs to a picture's draw, so that the noise and the levels of a
    picture follow from its place alone and the levels of all cover the range evenly.
    """

    items: list[Item]
    rule: FeedRule  # its captions neither shuffle nor drop
    draws: int

    def batches(self, most: int) -> Iterator[Batch]:
        """Yield all passes of at most so many, pictures of one size together."""
        sizes = sorted({item.bucket for item in self.items})
        for size in sizes:
            slots = [
                number * self.draws + draw
                for number, item in enumerate(self.items)
                if item.bucket == size
                for draw in range(self.draws)
            ]
            for at in range(0, len(slots), most):
                yield self._batch(slots[at : at + most])

    def _batch(self, slots: list[int]) -> Batch:
        rule = self.rule
        items = [self.items[slot // self.draws] for slot in slots]
        shown = [Shown(item, item.views[0]) for item in items]
        latents = [(one.latent.mean - rule.shift) * rule.scaling_factor for one in shown]
        total = len(self.items) * self.draws
        return Batch(
            ids=[item.id for item in items],
            slots=slots,
            total_slots=total,
            divisor=total,
            latents=torch.stack(latents).to(rule.device),
            texts=[rule.captions.text(i.caption, 0, s) for i, s in zip(items, slots, strict=True)],
            weights=torch.ones(len(items), device=rule.device),
            masks=masks_of(shown, rule.device),
            time_ids=time_ids_of(shown, rule.device),
        )
