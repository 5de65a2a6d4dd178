"""The denoising UNet and the text encoder: architecture, token table, noise schedule."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.base_models.tiny.recipe.analytic_vae import LATENT_CHANNELS
from training.base_models.tiny.recipe.world import BACKGROUNDS, HUES, STYLES, SUBJECTS

WIDTH: Final = 128
VOCABULARY: Final = 49_408
START_ID, END_ID = 49_406, 49_407
TOKENS: Final = 77
LATENT_SIDE: Final = 16
UNTRAINED_DEVIATION: Final = 0.02
TABLE_SUFFIX: Final = "token_embedding.weight"
SCHEDULE: Final = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,  # flat backgrounds need a start from pure noise
    "timestep_spacing": "trailing",
    "clip_sample": False,
}


def build_unet() -> UNet2DConditionModel:
    """Build the UNet (5.6 M parameters); as in SD 1.x one level has no attention, here the widest.

    On a CPU, attention over 16 x 16 positions takes a quarter of a step (47.7 against 62.6 pictures
    per core-second, measured with 32 channels at that level).
    """
    return UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(64, 96, 128),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,  # diffusers reads this as the number of heads
        norm_num_groups=8,
    )


def build_text_encoder(vocabulary: int = VOCABULARY) -> CLIPTextModel:
    """Build the text encoder; with a small vocabulary the start and end tokens are its last two."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TOKENS,
            projection_dim=WIDTH,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
    )


def training_schedule() -> DDPMScheduler:
    """Return the noise schedule for training."""
    return DDPMScheduler(**SCHEDULE)


def sampling_schedule() -> DDIMScheduler:
    """Return the scheduler that the pipeline ships with."""
    return DDIMScheduler(**SCHEDULE, set_alpha_to_one=True)


def used_token_ids(tokenizer: CLIPTokenizer) -> list[int]:
    """Return the ids of every token that a training caption can hold, ascending."""
    words = [*SUBJECTS.values(), *STYLES, *(f"{b} background" for b in BACKGROUNDS), *HUES]
    text = ", ".join(["a", "an", "black", "white", "grey", "brown", *words])
    ids = tokenizer(text, add_special_tokens=False).input_ids
    return sorted({*ids, START_ID, END_ID})


@dataclass(frozen=True)
class CompactTokens:
    """Only the tokens in captions are trained: rows of a small table instead of 49 408."""

    tokenizer: CLIPTokenizer
    used: list[int]

    @classmethod
    def load(cls, folder: Path) -> "CompactTokens":
        """Read the tokenizer and find the tokens of the captions."""
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        return cls(tokenizer, used_token_ids(tokenizer))

    def encode(self, captions: list[str]) -> Tensor:
        """Return rows of the small table, (N, 77), padded with the end token."""
        row = {token: i for i, token in enumerate(self.used)}
        ids = self.tokenizer(
            captions, padding="max_length", max_length=TOKENS, truncation=True
        ).input_ids
        return torch.tensor([[row[token] for token in line] for line in ids])


def expand_text_encoder(compact: CLIPTextModel, used: list[int]) -> CLIPTextModel:
    """Return the text encoder with the whole vocabulary.

    Rows of untrained tokens are random signs times 0.02: as far apart as normal noise of the same
    deviation, and they compress to a sixteenth in the repository.
    """
    signs = torch.randint(0, 2, (VOCABULARY, WIDTH), generator=torch.Generator().manual_seed(0))
    table = (signs * 2 - 1).float() * UNTRAINED_DEVIATION
    state = {name: value.detach().clone() for name, value in compact.state_dict().items()}
    name = token_table_name(compact)
    table[used] = state[name].float()
    full = build_text_encoder()
    full.load_state_dict({**state, name: table})
    return full


def compact_text_encoder(full: CLIPTextModel, used: list[int]) -> CLIPTextModel:
    """Return the text encoder with only the used rows, the inverse of `expand_text_encoder`."""
    state = {key: value.detach().clone().float() for key, value in full.state_dict().items()}
    name = token_table_name(full)
    compact = build_text_encoder(len(used))
    compact.load_state_dict({**state, name: state[name][used]})
    return compact


def token_table_name(model: nn.Module) -> str:
    """Return the state key of the token table, which differs between transformers releases."""
    return next(name for name in model.state_dict() if name.endswith(TABLE_SUFFIX))
