"""Civitai-compatible addresses: `v1` belongs under /api/v1/, `download` under /api/download/."""

from django.urls import path, re_path

from hub.api.civitai import (
    collections,
    images,
    models,
    nowhere,
    people,
    permissions,
    sidecars,
    tensors,
    versions,
)
from hub.api.civitai import download as files

# Clients ask with and without a slash at the end; none follows a redirect on POST.
v1 = [
    re_path(r"^models/?$", models.model_list, name="civitai-models"),
    re_path(r"^models/(?P<model_id>[^/]+)/?$", models.model, name="civitai-model"),
    re_path(r"^model-versions/by-hash/?$", versions.versions_by_hash, name="civitai-by-hashes"),
    re_path(r"^model-versions/by-hash/ids/?$", versions.ids_by_hash, name="civitai-hash-ids"),
    re_path(
        r"^model-versions/by-hash/(?P<hash_text>[^/]+)/?$",
        versions.version_by_hash,
        name="civitai-by-hash",
    ),
    re_path(r"^model-versions/mini/(?P<version_id>[^/]+)/?$", versions.mini, name="civitai-mini"),
    re_path(r"^model-versions/(?P<version_id>[^/]+)/?$", versions.version, name="civitai-version"),
    re_path(r"^images/?$", images.image_list, name="civitai-images"),
    re_path(r"^creators/?$", people.creator_list, name="civitai-creators"),
    re_path(r"^tags/?$", people.tag_list, name="civitai-tags"),
    re_path(r"^users/?$", people.user_list, name="civitai-users"),
    re_path(r"^me/?$", people.me, name="civitai-me"),
    re_path(r"^enums/?$", people.enums, name="civitai-enums"),
    re_path(r"^collections/?$", collections.collection_list, name="civitai-collections"),
    re_path(
        r"^collections/(?P<collection_id>[^/]+)/?$",
        collections.collection,
        name="civitai-collection",
    ),
    re_path(r"^articles/?$", nowhere.article_list, name="civitai-articles"),
    re_path(r"^permissions/check/?$", permissions.check, name="civitai-permissions"),
    re_path(
        r"^model-files/(?P<file_id>[^/]+)/tensor-metadata/?$",
        tensors.tensor_metadata,
        name="civitai-tensors",
    ),
    re_path(r"", nowhere.nothing_here, name="civitai-nowhere"),
]

download = [
    re_path(r"^models/(?P<version_id>[^/]+)/?$", files.download, name="civitai-download"),
    re_path(
        r"^training-data/(?P<version_id>[^/]+)/?$",
        files.training_data,
        name="civitai-training-data",
    ),
    path("files/<int:file_id>/sha256", sidecars.sha256, name="civitai-sidecar-sha256"),
    path("files/<int:file_id>/civitai.info", sidecars.info, name="civitai-sidecar-info"),
    path("files/<int:file_id>/preview", sidecars.preview, name="civitai-sidecar-preview"),
    path("signed/<str:token>/<str:name>", files.signed_download, name="civitai-signed-download"),
    re_path(r"", nowhere.nothing_here, name="civitai-download-nowhere"),
]

urlpatterns = v1
