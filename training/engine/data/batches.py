"""What each step is shown: the order of the pictures, and their latents and texts as batches.

Everything is a pure function of (seed, step), so a run can begin at any step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch

from training.engine import randomness
from training.engine.data.captions import CaptionRule
from training.engine.data.latents import Latent


@dataclass(frozen=True)
class View:
    """One look of a picture, and its mirror; offsets are where the cut began, (left, top)."""

    latent: Latent
    mirrored: Latent | None = None
    mask: torch.Tensor | None = None  # (1, h, w)
    offset: tuple[int, int] = (0, 0)
    mirrored_offset: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Item:
    """A picture ready for training: how it can look (first as it is), its caption and geometry."""

    id: str
    caption: str
    bucket: tuple[int, int]
    views: tuple[View, ...]
    repeats: int = 1
    original_size: tuple[int, int] = (0, 0)
    regularisation: bool = False


@dataclass(frozen=True)
class Shown:
    """A picture as a step shows it."""

    item: Item
    view: View
    is_mirrored: bool = False

    @property
    def latent(self) -> Latent:
        """Return the latent of this side of the picture."""
        mirrored = self.view.mirrored if self.is_mirrored else None
        return self.view.latent if mirrored is None else mirrored

    @property
    def offset(self) -> tuple[int, int]:
        """Return where the cut began, in the picture as it is shown."""
        return self.view.mirrored_offset if self.is_mirrored else self.view.offset


@dataclass(frozen=True)
class Batch:
    """One pass: latents (n, c, h, w) on the device, one text, weight and slot for each picture."""

    ids: list[str]
    slots: list[int]
    total_slots: int
    divisor: int  # training pictures of the whole step: the loss is a sum divided by it
    latents: torch.Tensor
    texts: list[str]
    weights: torch.Tensor
    masks: torch.Tensor | None
    time_ids: torch.Tensor  # (n, 6) for SDXL: original size, offset, target size


@dataclass(frozen=True)
class FeedRule:
    """How pictures become batches."""

    seed: int
    batch_size: int
    accumulation: int = 1
    captions: CaptionRule = field(default_factory=CaptionRule)
    sample_latents: bool = False
    scaling_factor: float = 1.0
    shift: float = 0.0
    prior_weight: float = 0.0
    device: str = "cpu"
    rank: int = 0  # of the process whose pictures these are,
    processes: int = 1  # which take a batch together

    @property
    def own_size(self) -> int:
        """Return how many pictures of a batch are one process's."""
        return max(1, math.ceil(self.batch_size / self.processes))


class Feed:
    """The pictures of a run in the order of its steps."""

    def __init__(
        self, items: list[Item], rule: FeedRule, prior: dict[tuple[int, int], list[Item]]
    ) -> None:
        """Take the items to learn from, and the class pictures for each bucket."""
        self.items = items
        self.prior = prior
        self._by_bucket: dict[tuple[int, int], list[int]] = {}
        for number, item in enumerate(items):
            self._by_bucket.setdefault(item.bucket, []).extend([number] * item.repeats)
        self.batches_per_epoch = sum(
            math.ceil(len(numbers) / rule.batch_size) for numbers in self._by_bucket.values()
        )
        self.steps_per_epoch = math.ceil(self.batches_per_epoch / rule.accumulation)
        self.rule = replace(
            rule, captions=replace(rule.captions, steps_per_epoch=self.steps_per_epoch)
        )
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def epoch_batches(self, epoch: int) -> list[list[int]]:
        """Return the item numbers of each batch of an epoch counted from 0."""
        if self._epoch[0] != epoch:
            seed, size = self.rule.seed, self.rule.batch_size
            batches: list[list[int]] = []
            for bucket, numbers in sorted(self._by_bucket.items()):
                order = randomness.permutation(len(numbers), seed, "order", epoch, *bucket)
                shuffled = [numbers[index] for index in order]
                batches += [shuffled[at : at + size] for at in range(0, len(shuffled), size)]
            order = randomness.permutation(len(batches), seed, "batch order", epoch)
            self._epoch = (epoch, [batches[index] for index in order])
        return self._epoch[1]

    def batches(self, step: int, *, split: int = 1) -> Iterator[Batch]:
        """Yield the passes of a step counted from 0, each cut into `split` smaller ones.

        Of several processes each takes its own part of every batch. Draws belong to the slots of
        a step, so cutting changes nothing but rounding.
        """
        chosen = self._chosen(step)
        total = sum(len(numbers) for numbers in chosen)
        own, size = self.rule.own_size, max(1, math.ceil(self.rule.own_size / split))
        first = 0
        for part in chosen:
            start = min(self.rule.rank * own, len(part))
            stop = min(start + own, len(part))
            for at in range(start, stop, size):
                numbers = part[at : min(at + size, stop)]
                yield self._batch(step, [self.items[n] for n in numbers], first + at, total)
            first += len(part)

    def ids(self, step: int) -> list[str]:
        """Return the ids of a step's pictures, whatever process has them."""
        return [self.items[number].id for part in self._chosen(step) for number in part]

    def _chosen(self, step: int) -> list[list[int]]:
        epoch, position = divmod(step, self.steps_per_epoch)
        start = position * self.rule.accumulation
        return self.epoch_batches(epoch)[start : start + self.rule.accumulation]

    def _batch(self, step: int, items: list[Item], first_slot: int, total: int) -> Batch:
        slots = list(range(first_slot, first_slot + len(items)))
        class_items = self._class_items(step, items[0].bucket, slots)
        everything = items + class_items
        all_slots = slots + [total + slot for slot in slots[: len(class_items)]]
        rule = self.rule
        shown = [self._shown(step, i, s) for i, s in zip(everything, all_slots, strict=True)]
        texts = [rule.captions.text(i.caption, step, s) for i, s in zip(items, slots, strict=True)]
        weights = [1.0] * len(items) + [rule.prior_weight] * len(class_items)
        return Batch(
            ids=[item.id for item in everything],
            slots=all_slots,
            total_slots=total * 2 if class_items else total,
            divisor=total,
            latents=torch.stack(
                [self._latent(step, p.latent, s) for p, s in zip(shown, all_slots, strict=True)]
            ).to(rule.device),
            texts=texts + [item.caption for item in class_items],
            weights=torch.tensor(weights, device=rule.device),
            masks=masks_of(shown, rule.device),
            time_ids=time_ids_of(shown, rule.device),
        )

    def _class_items(self, step: int, bucket: tuple[int, int], slots: list[int]) -> list[Item]:
        pool = self.prior.get(bucket, [])
        if not pool or not self.rule.prior_weight:
            return []
        chosen = []
        for slot in slots:
            lap, place = divmod(
                step * self.rule.batch_size * self.rule.accumulation + slot, len(pool)
            )
            order = randomness.permutation(len(pool), self.rule.seed, "class order", lap)
            chosen.append(pool[order[place]])
        return chosen

    def _shown(self, step: int, item: Item, slot: int) -> Shown:
        seed, views = self.rule.seed, item.views
        view = views[0]
        if len(views) > 1:
            view = views[int(randomness.uniform(seed, "colours", step, slot) * len(views))]
        flips = view.mirrored is not None and randomness.uniform(seed, "flip", step, slot) < 0.5
        return Shown(item, view, flips)

    def _latent(self, step: int, chosen: Latent, slot: int) -> torch.Tensor:
        latent = chosen.mean
        if self.rule.sample_latents:
            shape = tuple(latent.shape)
            noise = randomness.normal(shape, self.rule.seed, "latent", step, slot)
            latent = latent + chosen.std * noise
        return (latent - self.rule.shift) * self.rule.scaling_factor


def masks_of(shown: list[Shown], device: str) -> torch.Tensor | None:
    """Return the masks of pictures as (n, 1, h, w), turned with them; None where none has one."""
    if all(one.view.mask is None for one in shown):
        return None
    height, width = shown[0].latent.mean.shape[-2:]
    whole = torch.ones(1, height, width)
    masks = [whole if one.view.mask is None else one.view.mask for one in shown]
    turned = [m.flip(-1) if one.is_mirrored else m for m, one in zip(masks, shown, strict=True)]
    return torch.stack(turned).to(device)


def time_ids_of(shown: list[Shown], device: str) -> torch.Tensor:
    """Return (n, 6): original size, offset and target size of each picture, as SDXL has them."""
    rows = [
        (*one.item.original_size[::-1], *one.offset[::-1], *one.item.bucket[::-1]) for one in shown
    ]
    return torch.tensor(rows, dtype=torch.float32, device=device)
