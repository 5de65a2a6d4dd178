"""What v2 takes and says about reviews, following and what one keeps for oneself."""

from typing import Any

from rest_framework import serializers

from hub.api.native.people import PersonShape
from hub.storage.pictures import picture_url
from models_registry.engagement_queries import Followed, Standing
from models_registry.models.review import Review


class ReviewForm(serializers.Serializer[Any]):
    """One's review; the checkpoint that was used is a version here or a name known elsewhere."""

    rating = serializers.IntegerField(min_value=1, max_value=5)
    text = serializers.CharField(required=False, allow_blank=True, default="")
    recommended = serializers.BooleanField(required=False, allow_null=True, default=None)
    weight = serializers.DecimalField(
        max_digits=4, decimal_places=2, required=False, allow_null=True, default=None
    )
    base_version_id = serializers.IntegerField(required=False)
    base_name = serializers.CharField(required=False, allow_blank=True, default="", max_length=160)
    upload_id = serializers.UUIDField(required=False, help_text="A picture made with it.")
    remove_picture = serializers.BooleanField(required=False, default=False)


class ReviewShape(serializers.Serializer[Review]):
    """A review; nulls where nothing was said, or the checkpoint is not for the caller."""

    id = serializers.IntegerField()
    version_id = serializers.IntegerField()
    version_name = serializers.CharField(source="version.name")
    author = PersonShape()
    rating = serializers.IntegerField()
    recommended = serializers.BooleanField()
    text = serializers.CharField()
    weight = serializers.FloatField(allow_null=True)
    base_name = serializers.SerializerMethodField()
    base_version_id = serializers.IntegerField(
        source="base_version.pk", allow_null=True, default=None
    )
    picture_url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_base_name(self, review: Review) -> str:
        """The name, unless it is one of a version that the caller may not see."""
        is_hidden = review.base_version is None and review.base_version_id is not None
        return "" if is_hidden else review.base_name

    def get_picture_url(self, review: Review) -> str | None:
        """Address of the picture; it ends after a day or two where the model is not public."""
        picture = getattr(review, "picture", None)
        if picture is None:
            return None
        version = review.version
        return picture_url(picture.blob, public=version.model.shows_everyone(version))


class StandingShape(serializers.Serializer[Standing]):
    """How the caller stands to a model; all of it can be changed but who is followed."""

    is_saved = serializers.BooleanField()
    is_liked = serializers.BooleanField()
    is_hidden = serializers.BooleanField()
    is_followed = serializers.BooleanField()
    follows_owner = serializers.BooleanField(read_only=True)
    note = serializers.CharField(allow_blank=True)


class FollowedShape(serializers.Serializer[Followed]):
    """People and tags by name, models by id."""

    people = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    models = serializers.SerializerMethodField()

    def get_models(self, followed: Followed) -> list[int]:
        """Ids of the models."""
        return [model.pk for model in followed.models]
