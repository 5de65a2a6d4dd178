"""What allauth says by mail: with the site's own name, in the language of who reads it."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation

from hub.accounts.models import User

HTML_LANG = {"zh-hans": "zh-Hans"}


class AccountAdapter(DefaultAccountAdapter):
    """allauth's flows with our words (frontend/templates/account/email/)."""

    def format_email_subject(self, subject: str) -> str:
        """The subject as the template says it: the site's name is in the sentence."""
        return str(subject)

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        """The mail in the language that the person chose, else in that of the request."""
        reader = context.get("user")
        chosen = reader.language if isinstance(reader, User) else ""
        language = chosen or translation.get_language() or settings.LANGUAGE_CODE
        words = {
            "site_name": settings.SITE_NAME,
            "site_url": current.request.build_absolute_uri("/"),
            "mail_lang": HTML_LANG.get(language, language),
        }
        with translation.override(language):
            return super().render_mail(template_prefix, email, {**context, **words}, headers)
