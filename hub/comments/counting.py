"""The number of comments beside a model or a picture: those that everyone reads."""

from gallery.services.counters import change_comment_count as count_under_image
from hub.comments.models import Comment
from models_registry.services.counters import change_comment_count as count_about_model


def change_count(comment: Comment, change: int) -> None:
    """Let the number follow, in the transaction that shows a comment or takes it away."""
    if comment.model_id is not None:
        count_about_model(model_id=comment.model_id, by=change)
    if comment.image_id is not None:
        count_under_image(image_id=comment.image_id, by=change)
