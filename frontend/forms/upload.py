"""The id of a finished upload, as scripts send it with a form."""

from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from hub.core.errors import Invalid


def upload_id(sent: QueryDict) -> UUID:
    """The field `upload`; raises Invalid for anything that is no id."""
    try:
        return UUID(sent.get("upload", ""))
    except ValueError as error:
        raise Invalid(_("Send the file first."), code="upload_missing") from error
