"""What follows from signing out, wherever it is done: on the page, in the administration."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from hub.core.live import end_lines_of_session


@receiver(user_logged_out, dispatch_uid="accounts.end_lines")
def end_lines(request: HttpRequest, **_: Any) -> None:
    """Close the live lines of the pages that were opened in this session."""
    end_lines_of_session(request.session.session_key or "")
