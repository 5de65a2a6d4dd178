"""One's own settings: profile, language and theme, API tokens."""

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from frontend.access import require_visible, signed_in
from frontend.forms.accounts import ProfileForm, TokenForm
from frontend.forms.seen import told_on
from frontend.requests import MemberRequest
from frontend.toasts import add_toast
from hub.accounts import services


@signed_in
def settings(request: MemberRequest) -> HttpResponse:
    """Profile form; the other parts post to addresses of their own."""
    form = ProfileForm.of(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with told_on(form):
            seen = form.cleaned_data["seen"]
            services.update_profile(user=request.user, **form.details(), seen=seen)
            add_toast(request, _("Saved."), kind="ok")
            return redirect("settings")
    return _page(request, profile_form=form)


@signed_in
def create_token(request: MemberRequest) -> HttpResponse:
    """Make a token and show it this once; whoever comes back to the address sees the settings."""
    if request.method != "POST":
        return redirect("settings")
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, token_form=form)
    _token, key = services.create_api_token(actor=request.user, **form.cleaned_data)
    return _page(request, new_key=key)


@require_POST
@signed_in
def revoke_token(request: MemberRequest, token_id: uuid.UUID) -> HttpResponse:
    """Make a token useless."""
    token = require_visible(request.user.api_tokens.filter(pk=token_id).first())
    services.revoke_api_token(actor=request.user, token=token)
    add_toast(request, _("The token %s no longer works.") % token.name)
    return redirect("settings")


def _page(
    request: MemberRequest,
    *,
    profile_form: ProfileForm | None = None,
    token_form: TokenForm | None = None,
    new_key: str = "",
) -> HttpResponse:
    forms = {
        "profile_form": profile_form or ProfileForm.of(request.user),
        "token_form": token_form or TokenForm(),
    }
    invalid = any(form.is_bound and form.errors for form in forms.values())
    tokens = request.user.api_tokens.order_by("-created_at", "pk")
    context = {**forms, "new_key": new_key, "tokens": tokens}
    return render(request, "settings/page.html", context, status=422 if invalid else 200)


urlpatterns = [
    path("settings/", settings, name="settings"),
    path("settings/tokens/", create_token, name="token_create"),
    path("settings/tokens/<uuid:token_id>/revoke/", revoke_token, name="token_revoke"),
]
