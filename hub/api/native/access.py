"""Who may call: a live key with the right scope, a browser's session; anyone reads models."""

from typing import ClassVar

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAuthenticated
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.settings import DEFAULTS, APISettings
from rest_framework.views import APIView

from hub.accounts.models import Scope, User
from hub.api.auth import has_scope
from hub.core.errors import NotAllowed

MODEL_READERS = (Scope.MODELS_READ, Scope.MODELS_WRITE)


class HasScope(BasePermission):
    """Reads the scopes that the view names; what a person may do is left to services."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the call goes on; raises NotAuthenticated or NotAllowed with the reason."""
        if not isinstance(view, NativeView):
            return False
        is_reading = request.method in SAFE_METHODS
        if not request.user.is_authenticated:
            if is_reading and view.is_public:
                return True
            raise NotAuthenticated
        wanted = view.read_scopes if is_reading else view.write_scopes
        lacking = [scope for scope in wanted if not has_scope(request.auth, scope)]
        needs_all = view.writing_needs_all and not is_reading
        if lacking and (needs_all or len(lacking) == len(wanted)):
            raise NotAllowed(
                _("This token lacks the scope %s. Make one that has it in the settings.")
                % lacking[0 if is_reading else -1],
                code="scope_missing",
            )
        return True


class ByHeaderAlone(DefaultContentNegotiation):
    """`?format=` names a format of model files here, not one of answers."""

    # The stubs know the settings as a whole only.
    settings = APISettings({"URL_FORMAT_OVERRIDE": None}, DEFAULTS)  # type: ignore[arg-type,assignment]


class NativeView(APIView):
    """A v2 endpoint; empty scopes mean that any live key will do, several that one of them does.

    With `writing_needs_all` a key must have all of `write_scopes`.
    """

    permission_classes = (HasScope,)
    content_negotiation_class = ByHeaderAlone
    read_scopes: ClassVar[tuple[Scope, ...]] = ()
    write_scopes: ClassVar[tuple[Scope, ...]] = ()
    writing_needs_all: ClassVar[bool] = False
    is_public: ClassVar[bool] = False


class ModelView(NativeView):
    """Models and files: public ones can be read without a key, as on the pages."""

    read_scopes = MODEL_READERS
    write_scopes: ClassVar[tuple[Scope, ...]] = (Scope.MODELS_WRITE,)
    is_public = True


class DatasetView(NativeView):
    """Datasets: one scope for seeing and changing."""

    read_scopes = (Scope.DATASETS_WRITE,)
    write_scopes = (Scope.DATASETS_WRITE,)


class JobView(NativeView):
    """Training runs: one scope for seeing and steering."""

    read_scopes = (Scope.JOBS_WRITE,)
    write_scopes = (Scope.JOBS_WRITE,)


def actor_of(request: Request) -> User:
    """The person behind a call that only signed-in people reach."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
