"""Search over everything: one field, and what was found in each section."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from frontend.contexts.home import search_context

MAX_CHARACTERS = 200


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What the typed words are found in; PostgreSQL knows no zero byte."""
    typed = request.GET.get("q", "").replace("\0", "")[:MAX_CHARACTERS]
    page = search_context(request.user, " ".join(typed.split()))
    context = {"nav": "", "search_text": page.text, "page": page}
    return render(request, "home/search.html", context)


urlpatterns = [path("search/", search, name="search")]
