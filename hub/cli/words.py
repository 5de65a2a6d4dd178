"""Single words of the hub's API that people read in tables: states, outcomes, kinds of messages.

The API and --json keep them as they are; on the screen they come in the person's language.
"""

from hub.cli.language import gettext
from hub.cli.language import gettext_noop as _

WORDS = frozenset(
    {
        # states of runs and of conversions
        *(_("queued"), _("running"), _("paused"), _("canceling"), _("canceled")),
        *(_("succeeded"), _("failed")),
        # states of models and versions, who sees them, what a scan said
        *(_("Draft"), _("Published"), _("Unpublished"), _("Archived"), _("Deleted")),
        *(_("public"), _("unlisted"), _("team"), _("private")),
        *(_("Pending"), _("Success"), _("Danger"), _("Error")),
        # what became of a file
        *(_("new"), _("here"), _("sent"), _("linked")),
        # kinds of messages of a run
        *(_("state"), _("stage"), _("started"), _("artifact"), _("warned"), _("published")),
        *(_("validated"), _("checkpoint"), _("sample"), _("log")),
        # what was asked of a run
        *(_("stop"), _("cancel"), _("pause"), _("resume")),
    }
)


def word(text: str) -> str:
    """The word in the language that is used; text that is none of these stays."""
    return gettext(text) if text in WORDS else text
