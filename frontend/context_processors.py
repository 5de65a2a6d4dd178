"""What base.html needs on every page."""

from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from frontend import navigation
from frontend.contexts.people import avatar_url
from frontend.contexts.queue_count import queue_sentence
from frontend.preferences import THEME_COOKIE
from frontend.script_words import script_words
from hub.accounts.models import User
from hub.comments.queries import unread_notices
from training.jobs.queries import active_job_count

HTML_LANG = {"zh-hans": "zh-Hans"}
OTHER_THEME = {"dark": "light", "light": "dark"}


@dataclass(frozen=True, slots=True)
class Shell:
    """Frame of a page: in which theme and language, and what waits; parts of it are kept by it."""

    site_name: str
    theme: str
    language: str
    languages: tuple[tuple[str, str], ...]
    queue_count: int
    mention_count: int
    avatar_url: str
    theme_cookie: str = THEME_COOKIE

    @property
    def itself(self) -> Self:
        """What stands behind the lazy object of a template, without the request that made it."""
        return self

    @property
    def sections(self) -> list[navigation.Entry]:
        """Where one can go."""
        return navigation.available(navigation.SECTIONS)

    @property
    def create(self) -> list[navigation.Entry]:
        """What can be created."""
        return navigation.available(navigation.CREATE)

    @property
    def account(self) -> list[navigation.Entry]:
        """Pages of one's own."""
        return navigation.available(navigation.ACCOUNT)

    @property
    def html_lang(self) -> str:
        """Language tag as browsers know it."""
        return HTML_LANG.get(self.language, self.language)

    @property
    def queue_sentence(self) -> str:
        """What the number beside Queue means."""
        return queue_sentence(self.queue_count)

    @property
    def words(self) -> dict[str, str]:
        """What the shared scripts say."""
        return script_words(self.language)

    @property
    def other_theme(self) -> str:
        """The theme that the switch leads to."""
        return OTHER_THEME[self.theme]


def build_shell(request: HttpRequest) -> Shell:
    """The frame for this request."""
    known: User | AnonymousUser | None = getattr(request, "user", None)
    person = known or AnonymousUser()  # refused before it was known who
    is_member = person.is_authenticated
    return Shell(
        site_name=settings.SITE_NAME,
        theme=getattr(request, "theme", "dark"),
        language=get_language() or "en",
        languages=tuple(settings.LANGUAGES),
        queue_count=active_job_count(person) if is_member else 0,
        mention_count=unread_notices(person),
        avatar_url=avatar_url(person) if isinstance(person, User) else "",
    )


def shell(request: HttpRequest) -> dict[str, Any]:
    """`shell`, built when a template first asks (partials never pay for it), and where it is."""
    return {
        "shell": SimpleLazyObject(lambda: build_shell(request)),
        "page_address": request.get_full_path(),
    }
