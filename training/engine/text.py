"""From text to what the UNet is conditioned on: tokens, chunks of 75, clip skip, both encoders."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

import torch

from training.engine.components import Components

CHUNK = 75
MEMO_LIMIT = 4096  # texts kept when the text encoders stand still


@dataclass(frozen=True)
class Conditioning:
    """Text embeddings (batch, length, width), and for SDXL the pooled ones (batch, width)."""

    embeddings: torch.Tensor
    pooled: torch.Tensor | None = None


def inner_text_model(encoder: torch.nn.Module) -> torch.nn.Module:
    """Return the part with embeddings, layers and final norm, whatever the library nests it in."""
    return getattr(encoder, "text_model", encoder)


class TextConditioner:
    """Encodes texts with the text encoders of a base model."""

    def __init__(self, components: Components, *, clip_skip: int = 1, max_tokens: int = 75) -> None:
        self.components = components
        self.clip_skip = clip_skip
        self.max_chunks = max_tokens // CHUNK
        self.frozen = True
        self._memo: OrderedDict[str, Conditioning] = OrderedDict()
        self._pattern: tuple[tuple[str, ...], re.Pattern[str]] | None = None

    def encode(self, texts: list[str]) -> Conditioning:
        """Return the conditioning for texts; remembered while the text encoders stand still.

        Frozen encoders see one text at a time, so that a value never depends on its neighbours.
        """
        if not self.frozen:
            return self._run(texts)
        with torch.no_grad():
            return _join([self._remembered(text) for text in texts])

    def forget(self) -> None:
        """Drop remembered texts, after the meaning of a word has changed."""
        self._memo.clear()

    def _remembered(self, text: str) -> Conditioning:
        found = self._memo.get(text)
        if found is None:
            found = self._memo[text] = self._run([text])
            if len(self._memo) > MEMO_LIMIT:
                self._memo.popitem(last=False)
        else:
            self._memo.move_to_end(text)
        return found

    def _run(self, texts: list[str]) -> Conditioning:
        parts, pooled = [], None
        for number, encoder in enumerate(self.components.text_encoders):
            ids = self.token_ids(texts, number)
            hidden, pooled = self._encode_chunks(encoder, ids)
            parts.append(hidden)
        return Conditioning(torch.cat(parts, dim=-1), pooled)

    def token_ids(self, texts: list[str], number: int = 0) -> torch.Tensor:
        """Return ids (batch, chunks, 77) for one tokenizer, padded to the longest text."""
        tokenizer = self.components.tokenizers[number]
        begin, end, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
        pad = end if pad is None else pad
        plain = [self._plain_ids(text, tokenizer)[: CHUNK * self.max_chunks] for text in texts]
        chunks = max(1, *((len(ids) + CHUNK - 1) // CHUNK for ids in plain))
        rows = []
        for ids in plain:
            pieces = [ids[at * CHUNK : (at + 1) * CHUNK] for at in range(chunks)]
            rows.append([[begin, *piece, end] + [pad] * (CHUNK - len(piece)) for piece in pieces])
        return torch.tensor(rows, device=self.components.device)

    def _plain_ids(self, text: str, tokenizer: object) -> list[int]:
        """Return the ids of a text without begin and end, learned words in place."""
        pieces = self._split(text)
        ids: list[int] = []
        for piece in pieces:
            learned = self.components.placeholders.get(piece)
            if learned is not None:
                ids += learned
            elif piece.strip():
                ids += tokenizer(piece, add_special_tokens=False, truncation=False).input_ids  # type: ignore[operator]
        return ids

    def _split(self, text: str) -> list[str]:
        words = tuple(self.components.placeholders)
        if not words:
            return [text]
        if self._pattern is None or self._pattern[0] != words:
            longest_first = sorted(words, key=len, reverse=True)
            alternatives = "|".join(re.escape(word) for word in longest_first)
            self._pattern = (words, re.compile(rf"(?<!\w)({alternatives})(?!\w)"))
        return self._pattern[1].split(text)

    def _encode_chunks(
        self, encoder: torch.nn.Module, ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        batch, chunks, length = ids.shape
        skip = self.clip_skip
        double = len(self.components.text_encoders) > 1
        output = encoder(ids.view(-1, length), output_hidden_states=double or skip > 1)
        if double:  # SDXL reads the layer before the last, without the final norm
            hidden = output.hidden_states[-(skip + 1)]
        elif skip > 1:
            hidden = inner_text_model(encoder).final_layer_norm(output.hidden_states[-skip])
        else:
            hidden = output.last_hidden_state
        hidden = hidden.reshape(batch, chunks * length, -1)
        pooled = getattr(output, "text_embeds", None)
        return hidden, pooled.view(batch, chunks, -1)[:, 0] if pooled is not None else None


def _join(parts: list[Conditioning]) -> Conditioning:
    """Return one batch; shorter texts are filled with their own last chunk's padding."""
    longest = max(part.embeddings.shape[1] for part in parts)
    rows = []
    for part in parts:
        row = part.embeddings
        while row.shape[1] < longest:
            row = torch.cat([row, row[:, -(CHUNK + 2) :]], dim=1)
        rows.append(row)
    pooled = [part.pooled for part in parts if part.pooled is not None]
    return Conditioning(torch.cat(rows), torch.cat(pooled) if pooled else None)
