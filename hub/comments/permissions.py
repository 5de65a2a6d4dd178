"""Who may say, change and take away what; asked about subjects that the person may open."""

from gallery.permissions import can_edit_image
from hub.comments.models import Comment, Subject
from models_registry.models.model import Model, Viewer
from models_registry.permissions import can_edit_model


def can_comment(user: Viewer) -> bool:
    """Anyone signed in says something about what they can open."""
    return bool(user.is_authenticated)


def can_moderate(user: Viewer, subject: Subject) -> bool:
    """Moderators, and whoever may change the model or the picture, look after what is said."""
    if not user.is_authenticated:
        return False
    if user.is_staff:
        return True
    if isinstance(subject, Model):
        return can_edit_model(user, subject)
    return can_edit_image(user, subject)


def can_edit_comment(user: Viewer, comment: Comment) -> bool:
    """Its author, while it is shown."""
    is_author = user.is_authenticated and user.pk == comment.author_id
    return is_author and comment.hidden_at is None


def can_delete_comment(user: Viewer, comment: Comment) -> bool:
    """Its author while it is shown, and whoever looks after the subject."""
    return can_edit_comment(user, comment) or can_moderate(user, comment.subject)


def can_restore_comment(user: Viewer, comment: Comment) -> bool:
    """Its author and whoever looks after the subject; asked about who deleted it."""
    is_author = user.is_authenticated and user.pk == comment.author_id
    return is_author or can_moderate(user, comment.subject)
