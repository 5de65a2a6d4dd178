"""Every page of the hub: each module in `frontend.pages` that has `urlpatterns` is one area."""

import pkgutil
from importlib import import_module

from django.urls import URLPattern, URLResolver

from frontend import pages

urlpatterns: list[URLPattern | URLResolver] = []
for found in sorted(pkgutil.iter_modules(pages.__path__), key=lambda module: module.name):
    area = import_module(f"{pages.__name__}.{found.name}")
    urlpatterns += getattr(area, "urlpatterns", [])

handler400 = "frontend.pages.errors.bad_request"
handler403 = "frontend.pages.errors.permission_denied"
handler404 = "frontend.pages.errors.not_found"
handler500 = "frontend.pages.errors.server_error"
