"""Hears the registry's published fact; only enqueues."""

from django.dispatch import receiver

from hub.core.tasks import TaskName, enqueue_on_commit
from models_registry.signals import version_published


@receiver(version_published, dispatch_uid="gallery.link_published_version")
def link_published_version(sender: object, *, version_id: int, **_: object) -> None:
    """Pictures posted before the model was published can be tied to it now."""
    enqueue_on_commit(TaskName.GALLERY_LINK_VERSION, version_id=version_id)
