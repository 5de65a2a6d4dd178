"""Pictures for administrators."""

from django.contrib import admin

from gallery.models import Generation, Image, ImageResource, Post


class GenerationInline(admin.StackedInline):
    """What made the picture."""

    model = Generation
    extra = 0
    readonly_fields = ("source", "text", "copy_text", "data")
    classes = ("collapse",)


class ResourceInline(admin.TabularInline):
    """Models that took part."""

    model = ImageResource
    extra = 0
    raw_id_fields = ("version",)


@admin.register(Image)
class ImageAdmin(admin.ModelAdmin):
    """One picture with its facts, data and models."""

    list_display = ("id", "filename", "owner", "status", "visibility", "nsfw_level", "published_at")
    list_filter = ("status", "visibility", "nsfw_level", "has_generation_data")
    list_select_related = ("owner",)
    search_fields = ("=id", "filename", "owner__username", "blob__sha256")
    raw_id_fields = ("owner", "team", "post", "blob", "base_model")
    show_full_result_count = False
    ordering = ("-id",)
    inlines = (GenerationInline, ResourceInline)


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    """One post."""

    list_display = ("id", "title", "owner", "visibility", "image_count", "published_at")
    list_filter = ("visibility",)
    list_select_related = ("owner",)
    search_fields = ("=id", "title", "owner__username")
    raw_id_fields = ("owner", "team", "model_version")
    ordering = ("-id",)
