"""What the registry tells others. Receivers only enqueue."""

from django.dispatch import Signal

#: Sent after the commit that made a version public for the first time; carries `version_id`.
version_published = Signal()
