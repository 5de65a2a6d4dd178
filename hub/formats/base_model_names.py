"""The community's name of a base model ("SD 1.5", "SDXL 1.0"), from what trainers write."""

from collections.abc import Mapping

_KOHYA_NAMES: Mapping[str, str] = {
    "sd_v1": "SD 1.5",
    "sd_1.5": "SD 1.5",
    "sd1.5": "SD 1.5",
    "sd15": "SD 1.5",
    "sd_v2": "SD 2.1",
    "sd_v2_v": "SD 2.1 768",
    "sdxl_base_v0-9": "SDXL 0.9",
    "sdxl_base_v1-0": "SDXL 1.0",
    "sdxl_1.0": "SDXL 1.0",
    "sdxl": "SDXL 1.0",
    "sd3_m": "SD 3",
    "sd3": "SD 3",
    "flux1": "Flux.1 D",
}
_SPEC_NAMES: Mapping[str, str] = {
    "stable-diffusion-v1": "SD 1.5",
    "stable-diffusion-v2-512": "SD 2.1",
    "stable-diffusion-v2-768-v": "SD 2.1 768",
    "stable-diffusion-xl-v0-9-base": "SDXL 0.9",
    "stable-diffusion-xl-v1-base": "SDXL 1.0",
    "stable-diffusion-3-medium": "SD 3",
    "flux-1-dev": "Flux.1 D",
    "flux-1-schnell": "Flux.1 S",
}
# Families grown from SDXL go by their own names; only the name of the base file tells them.
_SDXL_FAMILIES = (("pony", "Pony"), ("illustrious", "Illustrious"), ("noobai", "NoobAI"))


def base_model_name(metadata: Mapping[str, str]) -> str | None:
    """Return the base model that the header states, or None when it states none that is known."""
    kohya = metadata.get("ss_base_model_version", "").strip().lower()
    spec = metadata.get("modelspec.architecture", "").strip().lower().partition("/")[0]
    name = _KOHYA_NAMES.get(kohya) or _SPEC_NAMES.get(spec) or _name_from_flags(metadata)
    if name == "SDXL 1.0":
        base_file = metadata.get("ss_sd_model_name", "").lower()
        return next((family for part, family in _SDXL_FAMILIES if part in base_file), name)
    return name


def _name_from_flags(metadata: Mapping[str, str]) -> str | None:
    """Old kohya files have only `ss_v2`."""
    is_v2 = metadata.get("ss_v2")
    if is_v2 == "True":
        return "SD 2.1 768" if metadata.get("ss_v_parameterization") == "True" else "SD 2.1"
    return "SD 1.5" if is_v2 == "False" else None
