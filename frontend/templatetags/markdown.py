"""People's Markdown in templates."""

from collections.abc import Mapping

from django import template
from django.utils.safestring import SafeString

from frontend.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown source as safe HTML."""
    return render_markdown(text)


@register.filter
def markdown_naming(text: str, people: Mapping[str, str]) -> SafeString:
    """Markdown source as safe HTML, where `@name` of these people is a link."""
    return render_markdown(text, people)
