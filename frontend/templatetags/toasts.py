"""Toasts that wait for this page."""

from django import template
from django.contrib import messages

from frontend.rendering import wants_partial
from frontend.toasts import Toast, as_toast

register = template.Library()


@register.simple_tag(takes_context=True)
def waiting_toasts(context: template.Context) -> list[Toast]:
    """Take the waiting messages out of the store, as toasts.

    A page of which only parts are shown leaves them to the header that goes with these.
    """
    request = context.get("request")
    if request is None or not hasattr(request, "_messages") or wants_partial(request):
        return []
    return [as_toast(message) for message in messages.get_messages(request)]
