"""The sign-in forms of allauth in our words: a label above each field, none inside it."""

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.utils.translation import gettext_lazy as _


class Plain(forms.Form):
    """Takes away the placeholders, which only repeat the labels."""

    words: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.words.get(name, field.label)


class LoginForm(Plain, allauth.LoginForm):
    """Sign in; the link for a forgotten password stands under the form, not in the field."""

    words = {
        "login": _("User name or email"),
        "password": _("Password"),
        "remember": _("Stay signed in"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""


class SignupForm(Plain, allauth.SignupForm):
    """Create an account."""

    words = {
        "username": _("User name"),
        "email": _("Email"),
        "password1": _("Password"),
        "password2": _("Password again"),
    }


class AddEmailForm(Plain, allauth.AddEmailForm):
    """Add an address."""

    words = {"email": _("Email")}


class ChangePasswordForm(Plain, allauth.ChangePasswordForm):
    """Change the password."""

    words = {
        "oldpassword": _("Password now"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].help_text = ""


class SetPasswordForm(Plain, allauth.SetPasswordForm):
    """Set a first password."""

    words = {"password1": _("New password"), "password2": _("New password again")}


class ResetPasswordForm(Plain, allauth.ResetPasswordForm):
    """Ask for a link."""

    words = {"email": _("Email")}


class ResetPasswordKeyForm(Plain, allauth.ResetPasswordKeyForm):
    """Choose a new password with the link."""

    words = {"password1": _("New password"), "password2": _("New password again")}


class ReauthenticateForm(Plain, allauth.ReauthenticateForm):
    """Confirm with the password."""

    words = {"password": _("Password")}
