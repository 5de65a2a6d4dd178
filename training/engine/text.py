"""From text to what the UNet is conditioned on: tokens, chunks of 75, clip skip, both encoders."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from training.engine.components import Components
from training.engine.emphasis import PromptPart, prompt_parts, without_networks

if TYPE_CHECKING:
    from training.engine.data.texts import TextCache

CHUNK = 75
SAMPLE_CHUNKS = 8
COMMA_REACH = 20  # A1111's comma_padding_backtrack
MEMO_LIMIT = 4096  # texts kept when the text encoders stand still


@dataclass(frozen=True)
class Conditioning:
    """Text embeddings (batch, length, width), and for SDXL the pooled ones (batch, width)."""

    embeddings: torch.Tensor
    pooled: torch.Tensor | None = None


def inner_text_model(encoder: torch.nn.Module) -> Any:
    """Return the part with embeddings, layers and final norm, whatever the library nests it in."""
    return getattr(encoder, "text_model", encoder)


class TextConditioner:
    """Encodes texts with the text encoders of a base model."""

    def __init__(self, components: Components, *, clip_skip: int = 1, max_tokens: int = 75) -> None:
        self.components = components
        self.clip_skip = clip_skip
        self.max_chunks = max_tokens // CHUNK
        self.frozen = True
        self.cache: TextCache | None = None  # on disk, for captions
        self._memo: OrderedDict[tuple[str, bool, int], Conditioning] = OrderedDict()
        self._learned: tuple[tuple[str, ...], re.Pattern[str], dict[str, str]] | None = None

    def captions(self, texts: list[str], *, emphasis: bool = False) -> Conditioning:
        """Return the conditioning for a step: as `encode`, from the cache on disk where it can be.

        Samples do not come here, since what a prompt loads may change the encoders for a while.
        """
        if not self.frozen or self.cache is None or self.components.placeholders:
            return self.encode(texts, emphasis=emphasis, chunks=self.max_chunks)
        with torch.no_grad():
            return _join([self._cached(text, self.cache, emphasis=emphasis) for text in texts])

    def _cached(self, text: str, cache: TextCache, *, emphasis: bool) -> Conditioning:
        key = (text, emphasis, self.max_chunks)
        found = self._memo.get(key)
        if found is None:
            reading = [*key, self.clip_skip]
            found = cache.get(
                reading, lambda: self._remembered(text, emphasis=emphasis, limit=self.max_chunks)
            )
            self._keep(key, found)
        return found

    def encode(self, texts: list[str], *, emphasis: bool = False, chunks: int = 0) -> Conditioning:
        """Return the conditioning for texts; remembered while the text encoders stand still.

        With `emphasis`, A1111's notation for weights is read. At most `chunks` chunks of 75 tokens
        are taken; 0 means as many as training reads, or those of a long prompt. Frozen encoders
        see one text at a time, so that a value never depends on its neighbours.
        """
        limit = chunks or (SAMPLE_CHUNKS if emphasis else self.max_chunks)
        if not self.frozen:
            return self._run(texts, emphasis=emphasis, limit=limit)
        with torch.no_grad():
            found = [self._remembered(text, emphasis=emphasis, limit=limit) for text in texts]
            return _join(found)

    def forget(self) -> None:
        """Drop remembered texts, after the meaning of a word has changed."""
        self._memo.clear()

    def _remembered(self, text: str, *, emphasis: bool, limit: int) -> Conditioning:
        key = (text, emphasis, limit)
        found = self._memo.get(key)
        if found is None:
            found = self._run([text], emphasis=emphasis, limit=limit)
        self._keep(key, found)
        return found

    def _keep(self, key: tuple[str, bool, int], found: Conditioning) -> None:
        self._memo[key] = found
        self._memo.move_to_end(key)
        if len(self._memo) > MEMO_LIMIT:
            self._memo.popitem(last=False)

    def _run(self, texts: list[str], *, emphasis: bool, limit: int) -> Conditioning:
        parts, pooled = [], None
        for number, encoder in enumerate(self.components.text_encoders):
            ids, weights = self.token_ids(texts, number, emphasis=emphasis, limit=limit)
            hidden, pooled = self._encode_chunks(encoder, ids)
            parts.append(weighed(hidden, weights) if emphasis else hidden)
        return Conditioning(torch.cat(parts, dim=-1), pooled)

    def token_ids(
        self, texts: list[str], number: int = 0, *, emphasis: bool = False, limit: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and weights (batch, chunks, 77) for one tokenizer.

        Every text is padded to as many chunks as the longest one has.
        """
        tokenizer = self.components.tokenizers[number]
        begin, end, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
        pad = end if pad is None else pad
        limit = limit or (SAMPLE_CHUNKS if emphasis else self.max_chunks)
        chunked = [self._chunks(text, tokenizer, emphasis=emphasis)[:limit] for text in texts]
        count = max(len(chunks) for chunks in chunked)
        ids, weights = [], []
        for chunks in chunked:
            filled = chunks + [[] for _ in range(count - len(chunks))]
            gaps = [CHUNK - len(chunk) for chunk in filled]
            ids.append(
                [
                    [begin, *(token for token, _ in chunk), end, *([pad] * gap)]
                    for chunk, gap in zip(filled, gaps, strict=True)
                ]
            )
            weights.append(
                [
                    [1.0, *(weight for _, weight in chunk), 1.0, *([1.0] * gap)]
                    for chunk, gap in zip(filled, gaps, strict=True)
                ]
            )
        device = self.components.device
        return torch.tensor(ids, device=device), torch.tensor(weights, device=device)

    def _chunks(
        self, text: str, tokenizer: Any, *, emphasis: bool
    ) -> list[list[tuple[int, float]]]:
        """Return the tokens of a text, with their weights, in chunks of 75; at least one."""
        parts = prompt_parts(without_networks(text)) if emphasis else [PromptPart(text)]
        comma = self._plain_ids(",", tokenizer)[-1] if emphasis else None
        lengths = {ids[0]: len(ids) for ids in self.components.placeholders.values()}
        chunks = _Chunks(comma, lengths)
        for part in parts:
            if part.text is None:
                chunks.begin()
                continue
            for token in self._plain_ids(part.text, tokenizer):
                chunks.add(token, part.weight)
        return chunks.filled

    def _plain_ids(self, text: str, tokenizer: Any) -> list[int]:
        """Return the ids of a text without begin and end, learned words in place.

        A learned word is meant in any case, since CLIP's tokens, by which A1111 finds it, have
        none.
        """
        words = tuple(self.components.placeholders)
        if not words:
            return list(tokenizer.ids(text)) if text.strip() else []
        if self._learned is None or self._learned[0] != words:
            longest_first = sorted(words, key=len, reverse=True)
            alternatives = "|".join(re.escape(word) for word in longest_first)
            pattern = re.compile(rf"(?<!\w)({alternatives})(?!\w)", re.IGNORECASE)
            by_text = {word.lower(): word for word in longest_first}
            self._learned = (words, pattern, by_text)
        _, pattern, by_text = self._learned
        ids: list[int] = []
        for piece in pattern.split(text):
            learned = by_text.get(piece.lower())
            if learned is not None:
                ids += self.components.placeholders[learned]
            elif piece.strip():
                ids += tokenizer.ids(piece)
        return ids

    def _encode_chunks(
        self, encoder: torch.nn.Module, ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        batch, chunks, length = ids.shape
        skip = self.clip_skip
        double = len(self.components.text_encoders) > 1
        output = encoder(ids.view(-1, length), output_hidden_states=double or skip > 1)
        if double:  # SDXL reads the layer before the last, without the final norm: 1 and 2 are it
            hidden = output.hidden_states[-max(2, skip)]
        elif skip > 1:
            hidden = inner_text_model(encoder).final_layer_norm(output.hidden_states[-skip])
        else:
            hidden = output.last_hidden_state
        hidden = hidden.reshape(batch, chunks * length, -1)
        pooled = getattr(output, "text_embeds", None)
        return hidden, pooled.view(batch, chunks, -1)[:, 0] if pooled is not None else None


class _Chunks:
    """Fills chunks of 75 tokens as A1111 does.

    https://github.com/AUTOMATIC1111/stable-diffusion-webui/blob/master/modules/sd_hijack_clip.py
    What follows the last comma of a full chunk goes to the next one, where that is at most 20
    tokens (not without a comma), and the vectors of a learned word stay together.
    """

    def __init__(self, comma: int | None, lengths: dict[int, int]) -> None:
        self.filled: list[list[tuple[int, float]]] = [[]]
        self._comma = comma
        self._lengths = lengths  # of learned words, by their first id
        self._after_comma: int | None = None

    def begin(self) -> None:
        """Begin a new chunk."""
        self.filled.append([])
        self._after_comma = None

    def add(self, token: int, weight: float) -> None:
        """Add a token where it goes."""
        chunk = self.filled[-1]
        if token == self._comma:
            self._after_comma = len(chunk) + 1
        elif len(chunk) == CHUNK and CHUNK - (self._after_comma or 0) < COMMA_REACH:
            moved = chunk[self._after_comma :]
            del chunk[self._after_comma :]
            self.begin()
            self.filled[-1] += moved
        length = self._lengths.get(token, 1)
        if len(self.filled[-1]) + (length if length <= CHUNK else 1) > CHUNK:
            self.begin()
        self.filled[-1].append((token, weight))


def weighed(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return embeddings (n, chunks · length, width) times their weights (n, chunks, length).

    The mean of each chunk is kept, as in A1111. Where it is next to nothing, keeping it would blow
    up rounding, so it is let go.
    """
    if not bool((weights != 1).any()):
        return hidden
    before = hidden.unflatten(1, weights.shape[1:])
    after = before * weights[..., None].to(hidden.dtype)
    mean, spread = before.mean((2, 3), keepdim=True), before.std((2, 3), keepdim=True)
    kept = mean.abs() >= 1e-3 * spread
    factor = torch.where(kept, mean / after.mean((2, 3), keepdim=True), torch.ones_like(mean))
    return (after * factor).flatten(1, 2)


def _join(parts: list[Conditioning]) -> Conditioning:
    """Return one batch; shorter texts repeat their last token, as A1111 does."""
    longest = max(part.embeddings.shape[1] for part in parts)
    rows = []
    for part in parts:
        missing = longest - part.embeddings.shape[1]
        last = part.embeddings[:, -1:].expand(-1, missing, -1)
        rows.append(torch.cat([part.embeddings, last], dim=1))
    pooled = [part.pooled for part in parts if part.pooled is not None]
    return Conditioning(torch.cat(rows), torch.cat(pooled) if pooled else None)
