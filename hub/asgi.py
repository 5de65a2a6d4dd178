"""Where everything meets: health, resumable uploads, websockets, and Django for the rest."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import re_path  # noqa: E402

from hub.api.asgi_auth import person_behind  # noqa: E402
from hub.core.health import LIVE, READY, health  # noqa: E402
from hub.core.kept_connections.base import keep_connections  # noqa: E402
from hub.core.own_origin import Refusal, own_pages_only  # noqa: E402
from hub.storage.tus import PREFIX, TusApp  # noqa: E402
from training.datasets.routing import websocket_urlpatterns as of_datasets  # noqa: E402
from training.jobs.routing import websocket_urlpatterns as of_jobs  # noqa: E402

GC_THRESHOLDS = (10_000, 20, 10)

lines = URLRouter([*of_jobs, *of_datasets, re_path(r"", Refusal.as_asgi())])
uploads = AuthMiddlewareStack(TusApp(person_behind))


async def http(scope, receive, send) -> None:
    """Uploads bypass Django, since it would spool their bodies; all else is Django's."""
    if scope["path"] in {LIVE, READY}:
        await health(scope, receive, send)
    elif scope["path"].startswith(PREFIX):
        await uploads(scope, receive, send)
    else:
        await django_application(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AllowedHostsOriginValidator(own_pages_only(AuthMiddlewareStack(lines))),
    }
)

keep_connections(settings.KEPT_CONNECTIONS)

# What start-up made lives as long as the process: the collector need not walk through it again each
# time that a long list makes many objects (a quarter of the time of a list of 100 models).
gc.collect()
gc.freeze()
# A long answer makes some ten thousand objects that live as long as it does: to look through them
# after every 700 finds nothing, and takes an eighth of its time.
gc.set_threshold(*GC_THRESHOLDS)
