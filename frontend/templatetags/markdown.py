"""People's Markdown in templates."""

from django import template
from django.utils.safestring import SafeString

from frontend.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown source as safe HTML."""
    return render_markdown(text)
