"""The base models a new hub knows: names, families, native sizes and licences of the community.

Rows, not code: the data migration writes them once, administrators change them afterwards.
Columns: name, family, ecosystem, native side in pixels, licence. Old names stay, inactive.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownBaseModel:
    """One row of the table."""

    name: str
    family: str
    ecosystem: str
    native_side: int | None
    licence_name: str
    licence_url: str
    is_active: bool = True


_OPENRAIL_M = (
    "CreativeML Open RAIL-M",
    "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
)
_OPENRAIL_PP = (
    "CreativeML Open RAIL++-M",
    "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
)
_SDXL_09 = ("SDXL 0.9 Research License", "")
_STABILITY = (
    "Stability AI Community License",
    "https://stability.ai/community-license-agreement",
)
_STABILITY_NC = (
    "Stability AI Non-Commercial Research Community License",
    "https://stability.ai/license",
)
_FAIR = (
    "Fair AI Public License 1.0-SD",
    "https://freedevproject.org/faipl-1.0-sd/",
)
_APACHE = ("Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0")
_FLUX_DEV = (
    "FLUX.1 [dev] Non-Commercial License",
    "https://huggingface.co/black-forest-labs/FLUX.1-dev/blob/main/LICENSE.md",
)
_HUNYUAN = (
    "Tencent Hunyuan Community License",
    "https://huggingface.co/Tencent-Hunyuan/HunyuanDiT/blob/main/LICENSE.txt",
)
_PIXART = _OPENRAIL_PP
_PLAYGROUND = (
    "Playground v2 Community License",
    "https://huggingface.co/playgroundai/playground-v2-1024px-aesthetic/blob/main/LICENSE.md",
)
_UNKNOWN = ("", "")

_ROWS: tuple[tuple[str, str, str, int | None, tuple[str, str], bool], ...] = (
    ("Atelier Tiny", "tiny", "tiny", 128, _APACHE, True),
    ("SD 1.4", "sd1", "sd1", 512, _OPENRAIL_M, True),
    ("SD 1.5", "sd1", "sd1", 512, _OPENRAIL_M, True),
    ("SD 1.5 LCM", "sd1", "sd1", 512, _OPENRAIL_M, True),
    ("SD 1.5 Hyper", "sd1", "sd1", 512, _OPENRAIL_M, True),
    ("SD 2.0", "sd2", "sd2", 512, _OPENRAIL_PP, True),
    ("SD 2.0 768", "sd2", "sd2", 768, _OPENRAIL_PP, True),
    ("SD 2.1", "sd2", "sd2", 512, _OPENRAIL_PP, True),
    ("SD 2.1 768", "sd2", "sd2", 768, _OPENRAIL_PP, True),
    ("SD 2.1 Unclip", "sd2", "sd2", 768, _OPENRAIL_PP, False),
    ("SDXL 0.9", "sdxl", "sdxl", 1024, _SDXL_09, False),
    ("SDXL 1.0", "sdxl", "sdxl", 1024, _OPENRAIL_PP, True),
    ("SDXL 1.0 LCM", "sdxl", "sdxl", 1024, _OPENRAIL_PP, True),
    ("SDXL Lightning", "sdxl", "sdxl", 1024, _OPENRAIL_PP, True),
    ("SDXL Hyper", "sdxl", "sdxl", 1024, _OPENRAIL_PP, True),
    ("SDXL Turbo", "sdxl", "sdxl", 512, _STABILITY_NC, True),
    ("SDXL Distilled", "sdxl", "sdxl", 1024, _OPENRAIL_PP, False),
    ("Pony", "sdxl", "sdxl", 1024, _FAIR, True),
    ("Illustrious", "sdxl", "sdxl", 1024, _FAIR, True),
    ("NoobAI", "sdxl", "sdxl", 1024, _FAIR, True),
    ("SD 3", "sd3", "sd3", 1024, _STABILITY, True),
    ("SD 3.5", "sd3", "sd3", 1024, _STABILITY, True),
    ("SD 3.5 Large", "sd3", "sd3", 1024, _STABILITY, True),
    ("SD 3.5 Large Turbo", "sd3", "sd3", 1024, _STABILITY, True),
    ("SD 3.5 Medium", "sd3", "sd3", 1024, _STABILITY, True),
    ("Stable Cascade", "cascade", "scascade", 1024, _STABILITY_NC, False),
    ("SVD", "svd", "svd", None, _STABILITY, False),
    ("SVD XT", "svd", "svd", None, _STABILITY, False),
    ("Flux.1 S", "flux1", "flux1", 1024, _APACHE, True),
    ("Flux.1 D", "flux1", "flux1", 1024, _FLUX_DEV, True),
    ("Flux.1 Krea", "flux1", "flux1", 1024, _FLUX_DEV, True),
    ("Flux.1 Kontext", "flux1", "flux1", 1024, _FLUX_DEV, True),
    ("Flux.2 D", "flux2", "flux2", 1024, _UNKNOWN, True),
    ("Flux.2 Klein 9B", "flux2", "flux2", 1024, _UNKNOWN, True),
    ("Flux.2 Klein 9B-base", "flux2", "flux2", 1024, _UNKNOWN, True),
    ("Flux.2 Klein 4B", "flux2", "flux2", 1024, _UNKNOWN, True),
    ("Flux.2 Klein 4B-base", "flux2", "flux2", 1024, _UNKNOWN, True),
    ("Chroma", "flux1", "chroma", 1024, _APACHE, True),
    ("AuraFlow", "auraflow", "auraflow", 1024, _APACHE, True),
    ("Pony V7", "auraflow", "auraflow", 1024, _UNKNOWN, True),
    ("HiDream", "hidream", "hidream", 1024, _UNKNOWN, True),
    ("Hunyuan 1", "hydit1", "hydit1", 1024, _HUNYUAN, True),
    ("Hunyuan Video", "hyv1", "hyv1", None, _HUNYUAN, True),
    ("Kolors", "kolors", "kolors", 1024, _UNKNOWN, True),
    ("Lumina", "lumina", "lumina", 1024, _APACHE, True),
    ("PixArt a", "pixarta", "pixarta", 1024, _PIXART, True),
    ("PixArt E", "pixarte", "pixarte", 1024, _PIXART, True),
    ("Playground v2", "playgroundv2", "playgroundv2", 1024, _PLAYGROUND, False),
    ("Qwen", "qwen", "qwen", 1024, _APACHE, True),
    ("Wan Video", "wanvideo", "wanvideo", None, _APACHE, True),
    ("LTXV", "ltxv", "ltxv", None, _UNKNOWN, True),
    ("Mochi", "mochi", "mochi", None, _APACHE, True),
    ("CogVideoX", "cogvideox", "cogvideox", None, _UNKNOWN, True),
    ("ZImageTurbo", "zimage", "zimage", 1024, _UNKNOWN, True),
    ("ZImageBase", "zimage", "zimage", 1024, _UNKNOWN, True),
    ("Anima", "anima", "anima", 1024, _UNKNOWN, True),
    ("Other", "other", "other", None, _UNKNOWN, True),
)

KNOWN_BASE_MODELS: tuple[KnownBaseModel, ...] = tuple(
    KnownBaseModel(name, family, ecosystem, side, *licence, is_active=active)
    for name, family, ecosystem, side, licence, active in _ROWS
)
