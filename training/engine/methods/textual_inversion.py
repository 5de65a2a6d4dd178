"""Textual Inversion: a new word as a few vectors; the model itself stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.files.embedding_files import read_embedding
from training.engine.files.file_writing import save_pt
from training.engine.files.lazy_tensors import save_tensors
from training.engine.method import ExportInfo, Method, for_saving
from training.engine.optimizers.optim import ParamGroup
from training.engine.text import inner_text_model

ASTERISK_TOKEN = 265  # of "*" in CLIP's vocabulary; A1111 writes it whatever the word is
FILE_KEYS = {1: ("emb_params",), 2: ("clip_l", "clip_g")}


class EmbeddingWithWords(torch.nn.Module):
    """A frozen token table with learned rows beside it.

    The learned words have negative ids (-1, -2, …), so that looking for the end token by the
    highest id, as CLIP does, still finds it.
    """

    def __init__(self, table: torch.nn.Embedding, vectors: torch.Tensor) -> None:
        super().__init__()
        self.table = table
        self.vectors = torch.nn.Parameter(vectors)

    @property
    def weight(self) -> torch.Tensor:
        """Return the frozen table, which the library asks for its type and device."""
        return self.table.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the embeddings (…, width) of ids."""
        learned = ids < 0
        known = self.table(ids.clamp(min=0))
        new = F.embedding((-1 - ids).clamp(min=0), self.vectors)
        return torch.where(learned[..., None], new.to(known.dtype), known)


class TextualInversionMethod(Method):
    """Trains the vectors of one word, for each text encoder of the model."""

    component: ClassVar[str] = "embedding"
    spec: ClassVar[str | None] = "/textual-inversion"

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self._words: list[EmbeddingWithWords] = []
        self._norms: list[float] = []

    @property
    def new_word(self) -> str:
        """Return the word that the vectors stand for."""
        return self.config.textual_inversion.token

    @property
    def header(self) -> dict[str, Any]:
        """Return the mark of a word that is meant for negative prompts."""
        is_negative = self.config.textual_inversion.negative
        return {"modelspec.is_negative_embedding": "true"} if is_negative else {}

    @property
    def trains_text(self) -> bool:
        """Tell that texts change with every step."""
        return True

    @property
    def extension(self) -> str:
        """Return the ending of the chosen kind of file."""
        return f".{self.config.textual_inversion.file_format}"

    def install(self, components: Components) -> None:
        """Put the new word into every text encoder and teach the tokenizer its name."""
        settings = self.config.textual_inversion
        if settings.file_format == "pt" and len(components.text_encoders) > 1:
            raise ConfigError(
                "A .pt embedding has room for one text encoder, and this base model has two. "
                "Choose safetensors as the kind of file."
            )
        self._base = (components.sha256[:10] or None, components.name)
        for number, encoder in enumerate(components.text_encoders):
            embeddings = inner_text_model(encoder).embeddings
            table = embeddings.token_embedding
            ids = components.tokenizers[number].ids(settings.initial_text)
            word = EmbeddingWithWords(table, _spread(table.weight, ids, settings.vectors))
            embeddings.token_embedding = word
            self._words.append(word)
            self._norms.append(float(word.vectors.detach().norm(dim=1).median()))
        components.placeholders[settings.token] = [-1 - n for n in range(settings.vectors)]

    @torch.no_grad()
    def begin_with(self, path: Path) -> None:
        """Go on from an embedding with as many vectors."""
        found, own = read_embedding(path), self.named_parameters()
        shapes = {key: tuple(vectors.shape) for key, vectors in found.items()}
        wanted = {key: tuple(vectors.shape) for key, vectors in own.items()}
        if shapes != wanted:
            raise ConfigError(
                f"{path.name} holds {shapes}, and these settings make {wanted}. Set "
                "textual_inversion.vectors to as many, and take the same kind of base model."
            )
        for key, vectors in own.items():
            vectors.copy_(found[key])

    def named_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Return the vectors under the names of the file."""
        keys = FILE_KEYS[len(self._words)]
        return {key: word.vectors for key, word in zip(keys, self._words, strict=True)}

    def param_groups(self) -> list[ParamGroup]:
        """Return the vectors; decay would pull a word to nothing, so there is none."""
        return [ParamGroup("embedding", [word.vectors for word in self._words], weight_decay=0.0)]

    @torch.no_grad()
    def after_step(self) -> None:
        """Keep the vectors as long as they began, where asked."""
        if not self.config.textual_inversion.preserve_norm:
            return
        for word, norm in zip(self._words, self._norms, strict=True):
            if norm > 0:
                word.vectors.mul_(norm / word.vectors.norm(dim=1, keepdim=True).clamp(min=1e-8))

    def file_of_now(self, info: ExportInfo) -> Callable[[Path], None]:
        """Copy `emb_params`, or `clip_l` and `clip_g`, or A1111's .pt; always in float32."""
        tensors = {
            name: for_saving(vectors, torch.float32)
            for name, vectors in self.named_parameters().items()
        }
        if self.extension == ".pt":
            return partial(save_pt, data=self._as_pt(tensors["emb_params"], info))
        return partial(save_tensors, tensors=tensors, metadata=info.metadata)

    def _as_pt(self, vectors: torch.Tensor, info: ExportInfo) -> dict[str, Any]:
        """Return what A1111's .pt holds: plain data and tensors, so that reading runs no code."""
        return {
            "string_to_token": {"*": ASTERISK_TOKEN},
            "string_to_param": {"*": vectors},
            "name": info.name,
            "step": info.step,
            "sd_checkpoint": self._base[0],
            "sd_checkpoint_name": self._base[1],
        }


def _spread(table: torch.Tensor, ids: list[int], count: int) -> torch.Tensor:
    """Return `count` rows, the rows of `ids` spread over them; zeros without ids (as A1111)."""
    if not ids:
        return torch.zeros(count, table.shape[1], device=table.device)
    rows = [ids[index * len(ids) // count] for index in range(count)]
    return table.detach()[rows].float().clone()
