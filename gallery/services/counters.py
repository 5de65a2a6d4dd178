"""Counter columns of pictures: changed by whoever changes what they count."""

from django.db.models import F
from django.db.models.functions import Greatest

from gallery.models import Image


def change_comment_count(*, image_id: int, by: int) -> None:
    """Told by whoever keeps comments."""
    Image.objects.filter(pk=image_id).update(comment_count=Greatest(F("comment_count") + by, 0))
