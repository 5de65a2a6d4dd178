"""What the pages need of Django's settings, kept beside the code that needs it.

Constants only: `hub.settings` imports from here, never the other way round.
"""

from csp.constants import NONCE, SELF

FRONTEND_APPS = [
    # Before django.forms, so that our widget templates are found first.
    "frontend",
    "django.forms",
    "django_htmx",
    "template_partials",
    "csp",
]

# After authentication and locale: the preference of the signed-in person wins over the browser's.
FRONTEND_MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "frontend.middleware.PreferenceMiddleware",
    "frontend.middleware.RolesMiddleware",
    "frontend.middleware.HtmxResponseMiddleware",
    "frontend.middleware.ErrorPageMiddleware",
]

CONTEXT_PROCESSORS = ["frontend.context_processors.shell"]

FORM_RENDERER = "frontend.forms.rendering.AtelierRenderer"

# Everything comes from our own origin. The nonce is for the import map and nothing else.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF, "ws:", "wss:"],
        "media-src": [SELF, "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
    },
}

CSRF_FAILURE_VIEW = "frontend.pages.errors.csrf_failure"

ACCOUNT_FORMS = {
    "login": "frontend.forms.account.LoginForm",
    "signup": "frontend.forms.account.SignupForm",
    "add_email": "frontend.forms.account.AddEmailForm",
    "change_password": "frontend.forms.account.ChangePasswordForm",
    "set_password": "frontend.forms.account.SetPasswordForm",
    "reset_password": "frontend.forms.account.ResetPasswordForm",
    "reset_password_from_key": "frontend.forms.account.ResetPasswordKeyForm",
    "reauthenticate": "frontend.forms.account.ReauthenticateForm",
}
