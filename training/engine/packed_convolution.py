"""Frozen convolutions with weights that were laid out once, instead of at every call.

Each takes the way that is quickest for its pictures on a CPU (one thread, AVX2, 256 px and up):

- many channels and places: by tiles, with four ninths of the multiplications or a quarter of them
  (`winograd.py`), both passes from one copy of the weights that is 16/9 of their size, or four
  times: with small tiles 20 instead of 26 ms for 640 channels at 16 x 16, 67 instead of 112 at
  32 x 32; with large ones 0.81 of that for all of SD 1.5's convolutions at 32 x 32;
- fewer places: with weights that oneDNN has packed. At 8 x 8 small tiles would be as quick alone,
  but their copy is read at a quarter of the peak in the backward pass, and the more the memory is
  asked by others, the longer that takes: steps with packed weights took 0.96, 0.99, 0.96 and
  1.01 of the time;
- at most 16 places, or halved pictures: plain products of matrices;
- kernels of one pixel: plain products too;
- few channels and many places: torch's own way.

On a CPU torch hands oneDNN plain weights, which oneDNN copies into its own layout before it
multiplies. With few positions (the inner levels of a UNet, small batches) that copy takes longer
than the product: 39 against 114 GFLOP/s for 1280 -> 1280 channels at 8 x 8, one thread, AVX-512.
The gradient towards the input of a convolution with stride 1 is a convolution too, with the
weights flipped and the channels swapped, so both passes gain. Only weights that do not train can
be kept this way.

With fewer positions still (the innermost level at 256 px) the weights stay as they are, in
their file, and both passes are plain products of matrices. The forward pass reads them in place, at
70 GFLOP/s; the backward pass needs them turned over for that, in a copy which for SD 1.5 takes
0.93 GiB, and reaches 20 to 32 without. The copies are made where the machine has room for them
(`machine/memory.py`). The same product halves the innermost pictures: with stride 2 the gradient is
no convolution, and torch's own way takes five times as long (173 against 33 ms for both passes of
1280 channels from 8 x 8 to 4 x 4, one thread, AVX2).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.machine.paging import page_out
from training.engine.machine.precision import Precision
from training.engine.plain_convolution import Kept, plain_product
from training.engine.winograd import WinogradProduct, transformed

MOST_POSITIONS = 512
"""Batch x height x width from which the copy no longer shows (from 5 % at 640 channels)."""
FEWEST_POSITIONS = 16
"""Batch x height x width up to which plain products take the place of packed weights."""
FEWEST_HALVED = 64
"""The same with stride 2, counted behind it: a third less at 8 x 8, nothing at 16 x 16."""
LEAST_CHANNELS = 64
FEWEST_TILES = 64
"""Tiles of 2 x 2 from which fewer multiplications outweigh what they need around them."""
FEWEST_WIDE_TILES = 48
"""The same for tiles of 4 x 4, which with fewer take as long as those of 2 x 2."""
MOST_OF_WIDE_TILES = 640 * 960
"""Outputs x inputs up to which tiles of 4 x 4 may have their larger weights (36/9, not 16/9)."""
LEAST_CHANNELS_OF_TILES = 320
"""The same for channels: 192 are no faster at 16 x 16, 320 take 0.75 (32 x 32) to 0.95."""
_ONE = [1, 1]


def packing_pays(precision: Precision, steps: int) -> bool:
    """Tell whether a run on this device gets its costs (one more copy, twice) back."""
    return precision.device == "cpu" and precision.compute == "fp32" and steps >= 6


def pack_frozen_convolutions(
    module: nn.Module, kept: dict[Hashable, Any] | None = None, *, turned: bool = False
) -> int:
    """Let the frozen plain convolutions inside `module` keep packed weights; returns how many.

    `kept` holds what is packed, for the next run on the same weights. Nothing is packed before the
    first call, which shows whether the pictures are small enough. With `turned`, those with so few
    places that they are plain products keep a copy of their weights that is turned over, for the
    backward pass. Convolutions with an adapter, with groups or dilation stay as they are.
    """
    shared = {} if kept is None else kept
    found = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Conv2d and _can_be_packed(child)
    ]
    for parent, name, child in found:
        setattr(parent, name, _in_place_of(child, shared, turned=turned))
    return len(found)


def _in_place_of(conv: nn.Conv2d, kept: Kept, *, turned: bool) -> nn.Module:
    if conv.stride == (2, 2):
        return HalvingConvolution(conv)
    if conv.kernel_size == (1, 1):
        return PointwiseConvolution(conv)
    return PackedConvolution(conv, kept, turned=turned)


def _can_be_packed(conv: nn.Conv2d) -> bool:
    side = conv.kernel_size[0]
    return (
        not any(parameter.requires_grad for parameter in conv.parameters())
        and conv.weight.dtype == torch.float32
        and conv.kernel_size == (side, side)
        and side % 2 == 1
        and conv.padding == (side // 2, side // 2)
        and conv.padding_mode == "zeros"
        and conv.stride in ((1, 1), (2, 2))
        and conv.dilation == (1, 1)
        and conv.groups == 1
        and min(conv.in_channels, conv.out_channels) >= LEAST_CHANNELS
    )


def side_of_tiles(weight: Tensor, x: Tensor) -> int:
    """Return 4 or 2 where pictures are convolved by tiles with so many results, 0 elsewhere."""
    outputs, inputs, *kernel = weight.shape
    height, width = x.shape[2:]
    if kernel != [3, 3] or min(outputs, inputs) < LEAST_CHANNELS_OF_TILES:
        return 0
    if (
        height % 4 == width % 4 == 0
        and height * width >= 16 * FEWEST_WIDE_TILES
        and outputs * inputs <= MOST_OF_WIDE_TILES
    ):
        return 4
    return 2 if height % 2 == width % 2 == 0 and height * width >= 4 * FEWEST_TILES else 0


class PackedConvolution(nn.Module):
    """Stands where a frozen convolution stood; keeps its names in the state."""

    def __init__(self, conv: nn.Conv2d, kept: Kept | None = None, *, turned: bool = False) -> None:
        super().__init__()
        self._kept = {} if kept is None else kept
        self._copies = self._kept if turned else None
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.padding = 1, [side // 2 for side in conv.kernel_size]
        self._packed: tuple[Tensor, Tensor] | None = None
        self._transformed: dict[int, Tensor] = {}  # by the side of the tiles' results

    @property
    def kept(self) -> tuple[object, ...]:
        """Return what follows from the weights alone: copies of this module may share it."""
        return self._kept, self._transformed, *([] if self._packed is None else [self._packed])

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x (N, C, H, W)."""
        side = side_of_tiles(self.weight, x)
        if side:
            y: Tensor = WinogradProduct.apply(x, self._kept_or_transformed(side), self.bias)
            return y
        positions = x.shape[0] * x.shape[2] * x.shape[3]
        if positions > MOST_POSITIONS:
            return nn.functional.conv2d(x, self.weight, self.bias, padding=self.padding)
        if positions <= FEWEST_POSITIONS and len(x) == 1:
            padding = self.padding[0]
            return plain_product(x, self.weight, self.bias, padding, copies=self._copies)
        if self._packed is None:
            self._packed = self._kept_or_packed(x)
        result: Tensor = _PackedProduct.apply(x, *self._packed, self.bias, self.padding)
        return result

    def _kept_or_transformed(self, side: int) -> Tensor:
        """Return the weights for tiles."""
        if side not in self._transformed:
            key = ("transformed", side, self.weight.data_ptr())
            if key not in self._kept:
                self._kept[key] = transformed(self.weight.detach(), side)
                page_out(self.weight.detach())  # as below
            self._transformed[side] = self._kept[key]
        return self._transformed[side]

    def _kept_or_packed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return packed weights; the layout, and with it the rounding, follows the first shape."""
        key = ("packed", self.weight.data_ptr())
        shape, packed = self._kept.get(key, (None, None))
        if packed is None or shape != tuple(x.shape):
            packed = self._pack(x)
            self._kept[key] = (tuple(x.shape), packed)
        return packed

    def _pack(self, x: Tensor) -> tuple[Tensor, Tensor]:
        weight = self.weight.detach()
        outputs = [x.shape[0], weight.shape[0], *x.shape[2:]]
        # the turned copy is let go before the other is made: two at a time would be the peak
        backward = self._reorder(weight.transpose(0, 1).flip(2, 3).contiguous(), outputs)
        forward = self._reorder(weight, list(x.shape))
        page_out(weight)  # steps do not read it again, larger samples do
        return forward, backward

    def _reorder(self, weight: Tensor, size: list[int]) -> Tensor:
        packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
            weight, self.padding, _ONE, _ONE, 1, size
        )
        return packed


class HalvingConvolution(nn.Module):
    """Stands where a frozen convolution of stride 2 stood; keeps its names in the state."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.padding = 2, conv.kernel_size[0] // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x (N, C, H, W): (N, O, ceil(H / 2), ceil(W / 2))."""
        left = -(-x.shape[2] // 2) * -(-x.shape[3] // 2)
        if len(x) == 1 and left <= FEWEST_HALVED:
            return plain_product(x, self.weight, self.bias, self.padding, stride=2)
        return nn.functional.conv2d(x, self.weight, self.bias, stride=2, padding=self.padding)


class PointwiseConvolution(nn.Module):
    """Stands where a frozen convolution with a kernel of one pixel stood; keeps its names.

    It is a product of matrices as it is. torch copies its pictures before, as for wider kernels.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.padding = 1, 0

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x (N, C, H, W)."""
        if len(x) == 1:
            return plain_product(x, self.weight, self.bias, padding=0)
        y = self.weight.flatten(1) @ x.flatten(2)
        if self.bias is not None:
            y = y + self.bias[:, None]
        return y.view(len(x), -1, *x.shape[2:])


class _PackedProduct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, packed: Tensor, backward: Tensor, bias: Tensor | None,
        padding: list[int],
    ) -> Tensor:  # fmt: skip
        ctx.packed_backward, ctx.padding = backward, padding
        return _convolve(x, packed, bias, padding)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _convolve(grad, ctx.packed_backward, None, ctx.padding), None, None, None, None


def _convolve(x: Tensor, packed: Tensor, bias: Tensor | None, padding: list[int]) -> Tensor:
    result: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x.contiguous(), packed, bias, padding, _ONE, _ONE, 1, "none", [], ""
    )
    return result
