"""Words that the shared scripts say; the page hands them over as JSON."""

from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import override


@lru_cache(maxsize=8)
def script_words(language: str) -> dict[str, str]:
    """Key to sentence in a language; names in braces are filled by the script."""
    with override(language):
        return _words()


def _words() -> dict[str, str]:
    return {
        "copied": _("Copied: {text}"),
        "copy_failed": _("The browser did not allow copying. Select the text and copy it by hand."),
        "undo": _("Undo"),
        "close": _("Close"),
        "retry": _("Try again"),
        "live": _("Live"),
        "connecting": _("Connecting"),
        "reconnecting": _("Reconnecting in {seconds} s"),
        "paused": _("Updates paused, reload the page"),
        "not_saved": _("Not saved: {reason}"),
        "no_answer": _("The hub did not answer. Check the connection and try again."),
        "load_failed": _("The next items could not be loaded."),
        "signed_out": _("You are signed out. Sign in to go on."),
        "sign_in": _("Sign in"),
        "theme_dark": _("Dark theme"),
        "theme_light": _("Light theme"),
        "upload_waiting": _("Waiting"),
        "upload_running": _("{done} of {total}"),
        "upload_done": _("Uploaded"),
        "upload_comparing": _("Comparing with what is here"),
        "upload_here": _("Here already, nothing was sent"),
        "upload_failed": _("Stopped: {reason}"),
        "upload_left_one": _(
            "{names} was on its way when this page was left. Choose it again: what has arrived is "
            "not sent twice."
        ),
        "upload_left": _(
            "{count} files were on their way when this page was left: {names}. Choose them again: "
            "what has arrived is not sent twice."
        ),
        "upload_forget": _("Do not remind me"),
        "upload_leave": _("Files are still being uploaded."),
        "upload_too_big": _("The file is larger than this hub allows."),
        "upload_no_room": _("There is no room left in your quota."),
        "upload_refused": _("The hub refused the file (status {status})."),
    }
