"""All addresses of the hub."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path

from hub.api.civitai import urls as civitai

handler400 = "frontend.pages.errors.bad_request"
handler403 = "frontend.pages.errors.permission_denied"
handler404 = "frontend.pages.errors.not_found"
handler429 = "frontend.pages.errors.too_many"  # allauth's
handler500 = "frontend.pages.errors.server_error"

admin.site.site_header = admin.site.site_title = settings.SITE_NAME


def nowhere(request: HttpRequest) -> HttpResponse:
    """An address with a NUL in it: no text of the database has one, and it refuses to look."""
    raise Http404


urlpatterns = [
    # People sign in at one place, with its limits on guessing; who is no administrator is told so.
    path("admin/login/", secure_admin_login(admin.site.login)),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include(civitai.v1)),
    path("api/download/", include(civitai.download)),
    re_path(r"\x00", nowhere),
    path("api/v2/", include("hub.api.native.urls")),
    path("", include("hub.storage.urls")),
    path("", include("frontend.urls")),
]
