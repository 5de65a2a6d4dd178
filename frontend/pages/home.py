"""The start page, the queue's number, and the page that shows every component."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from frontend.contexts.home import home_context
from frontend.contexts.queue_count import queue_sentence
from frontend.contexts.styleguide import StyleguideContext
from frontend.forms.styleguide import SampleForm, WrongSampleForm
from training.jobs.queries import active_job_count


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where one starts: what runs now, what is unfinished, what is new."""
    return render(request, "home/home.html", {"nav": "home", "page": home_context(request.user)})


@require_safe
@never_cache
def queue_count(request: HttpRequest) -> JsonResponse:
    """Jobs waiting or running that this person may see; the header asks now and then."""
    count = active_job_count(request.user) if request.user.is_authenticated else 0
    return JsonResponse({"count": count, "label": queue_sentence(count)})


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The mark for pages that name no icon of their own: the administration, files, JSON."""
    return redirect(static("img/mark.svg"))


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state; tests look at it in both themes and both languages."""
    context = {
        "nav": "",
        "show": StyleguideContext(),
        "form": SampleForm(),
        "wrong_form": WrongSampleForm({"name": "", "weight": "9", "kind": "lora"}),
    }
    return render(request, "styleguide.html", context)


urlpatterns = [
    path("", home, name="home"),
    path("queue/count/", queue_count, name="queue_count"),
    path("favicon.ico", favicon, name="favicon"),
    path("styleguide/", styleguide, name="styleguide"),
]
