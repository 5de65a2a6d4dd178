"""Scripts: the import map that gives every module a bare name, and the tag that starts one."""

import json
from functools import cache, lru_cache
from pathlib import Path

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

STATIC_DIR = Path(__file__).resolve().parent.parent / "static"
VENDORED = {
    "uplot": "vendor/uplot.esm.js",
    "photoswipe": "vendor/photoswipe.esm.min.js",
    "photoswipe/lightbox": "vendor/photoswipe-lightbox.esm.min.js",
    "tus-js-client": "vendor/tus.min.js",
}


@cache
def module_paths() -> dict[str, str]:
    """Bare module name to static path, for our modules (`app/...`) and the vendored ones."""
    folder = STATIC_DIR / "js"
    files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("app/**/*.js"))
    return {name.removesuffix(".js"): f"js/{name}" for name in files} | VENDORED


@register.simple_tag(takes_context=True)
def importmap(context: template.Context) -> SafeString:
    """The page's one import map. Modules import each other by bare name only, so hashes hold."""
    return format_html(
        '<script type="importmap" nonce="{}">{}</script>',
        getattr(context.get("request"), "csp_nonce", ""),
        _imports(static("js/app/shell.js")),
    )


@lru_cache(maxsize=1)
def _imports(shell: str) -> SafeString:
    """Where each module is, said anew only where the first of them has another address."""
    imports = {name: static(path) for name, path in module_paths().items()}
    text = json.dumps({"imports": imports}, separators=(",", ":")).replace("<", "\\u003c")
    return mark_safe(text)  # noqa: S308  our own file names, "<" escaped


@register.simple_tag
def module(name: str) -> SafeString:
    """Start one of our modules by its name, such as `app/training`."""
    return format_html('<script type="module" src="{}"></script>', static(module_paths()[name]))
