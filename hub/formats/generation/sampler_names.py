"""The names of samplers and schedules in other programs, as A1111 calls them."""

from collections.abc import Mapping

_SAMPLERS: Mapping[str, str] = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "lcm": "LCM",
    "restart": "Restart",
    "uni_pc": "UniPC",
    "uni_pc_bh2": "UniPC",
    "k_euler": "Euler",
    "k_euler_ancestral": "Euler a",
    "k_dpmpp_2m": "DPM++ 2M",
    "k_dpmpp_2s_ancestral": "DPM++ 2S a",
    "k_dpmpp_sde": "DPM++ SDE",
    "k_dpm_2": "DPM2",
    "k_heun": "Heun",
    "k_lms": "LMS",
}
_SCHEDULES: Mapping[str, str] = {
    "normal": "Normal",
    "karras": "Karras",
    "exponential": "Exponential",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "ddim_uniform": "DDIM",
    "beta": "Beta",
    "native": "Normal",
}


def a1111_sampler(name: str | None) -> str | None:
    """Translate a sampler's name; an unknown one stays as it is."""
    return _SAMPLERS.get(name.lower(), name) if name else None


def a1111_schedule(name: str | None) -> str | None:
    """Translate a schedule's name; an unknown one stays as it is."""
    return _SCHEDULES.get(name.lower(), name) if name else None
