"""Routes of our own API, /api/v2/; uploads are answered before Django, in hub/asgi.py."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.api.native import (
    collections,
    comments,
    comparisons,
    datasets,
    files,
    history,
    imports,
    jobs,
    lineage,
    models,
    people,
    social,
    states,
    teams,
)
from hub.core.errors import NotFound


@extend_schema(exclude=True)
class Nothing(APIView):
    """Any other address below /api/v2/: programs get JSON, not the site's page."""

    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Refuse before anything else is looked at."""
        raise NotFound(_("There is no such endpoint. The schema at /api/v2/schema/ lists them."))

    def get(self, request: Request) -> Response:
        """Never reached; it makes GET a known method."""
        return Response(status=404)


@csrf_exempt  # whoever follows is asked at the address that answers
def with_slash(request: HttpRequest) -> HttpResponse:
    """To the same address with its slash, by a 308: a 301 makes programs send a GET instead."""
    there = request.get_full_path(force_append_slash=True)
    return HttpResponsePermanentRedirect(there, preserve_request=True)


urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("me/", people.Me.as_view(), name="api_me"),
    path("teams/", teams.Teams.as_view(), name="api_teams"),
    path("teams/join/", teams.JoinTeam.as_view(), name="api_team_join"),
    path("teams/<slug:slug>/", teams.OneTeam.as_view(), name="api_team"),
    path("teams/<slug:slug>/members/", teams.TeamMembers.as_view(), name="api_team_members"),
    path(
        "teams/<slug:slug>/members/<int:user_id>/",
        teams.OneMember.as_view(),
        name="api_team_member",
    ),
    path("teams/<slug:slug>/invites/", teams.TeamInvites.as_view(), name="api_team_invites"),
    path(
        "teams/<slug:slug>/invites/<uuid:invite_id>/",
        teams.OneInvite.as_view(),
        name="api_team_invite",
    ),
    path("imports/", imports.RemoteImports.as_view(), name="api_imports"),
    path("imports/<uuid:import_id>/", imports.OneRemoteImport.as_view(), name="api_import"),
    path(
        "imports/<uuid:import_id>/cancel/",
        imports.RemoteImportCancel.as_view(),
        name="api_import_cancel",
    ),
    path(
        "imports/<uuid:import_id>/retry/",
        imports.RemoteImportRetry.as_view(),
        name="api_import_retry",
    ),
    path("models/", models.Models.as_view(), name="api_models"),
    path("models/<int:model_id>/", models.OneModel.as_view(), name="api_model"),
    path(
        "models/<int:model_id>/archive/",
        states.ArchivedModel.as_view(),
        name="api_model_archive",
    ),
    path(
        "models/<int:model_id>/restore/",
        states.RestoredModel.as_view(),
        name="api_model_restore",
    ),
    path(
        "models/<int:model_id>/versions/",
        models.ModelVersions.as_view(),
        name="api_model_versions",
    ),
    path("versions/<int:version_id>/", models.OneVersion.as_view(), name="api_version"),
    path(
        "versions/<int:version_id>/files/",
        models.VersionFiles.as_view(),
        name="api_version_files",
    ),
    path(
        "versions/<int:version_id>/covers/",
        models.VersionCovers.as_view(),
        name="api_version_covers",
    ),
    path(
        "versions/<int:version_id>/publish/",
        models.PublishVersion.as_view(),
        name="api_version_publish",
    ),
    path(
        "versions/<int:version_id>/unpublish/",
        states.UnpublishedVersion.as_view(),
        name="api_version_unpublish",
    ),
    path(
        "versions/<int:version_id>/delete-files/",
        states.DeletedFiles.as_view(),
        name="api_version_delete_files",
    ),
    path(
        "versions/<int:version_id>/covers/<int:cover_id>/",
        models.OneCover.as_view(),
        name="api_version_cover",
    ),
    path(
        "versions/<int:version_id>/lineage/",
        lineage.VersionLineage.as_view(),
        name="api_version_lineage",
    ),
    path(
        "versions/<int:version_id>/review/",
        social.VersionReview.as_view(),
        name="api_version_review",
    ),
    path(
        "versions/<int:version_id>/comparisons/",
        comparisons.VersionComparisons.as_view(),
        name="api_version_comparisons",
    ),
    path(
        "comparisons/<uuid:comparison_id>/",
        comparisons.OneComparison.as_view(),
        name="api_comparison",
    ),
    path(
        "comparisons/<uuid:comparison_id>/cancel/",
        comparisons.ComparisonCancel.as_view(),
        name="api_comparison_cancel",
    ),
    path(
        "comparisons/<uuid:comparison_id>/retry/",
        comparisons.ComparisonRetry.as_view(),
        name="api_comparison_retry",
    ),
    path(
        "models/<int:model_id>/reviews/",
        social.ModelReviews.as_view(),
        name="api_model_reviews",
    ),
    path(
        "models/<int:model_id>/comments/",
        comments.ModelComments.as_view(),
        name="api_model_comments",
    ),
    path(
        "images/<int:image_id>/comments/",
        comments.ImageComments.as_view(),
        name="api_image_comments",
    ),
    path("comments/<int:comment_id>/", comments.OneComment.as_view(), name="api_comment"),
    path(
        "comments/<int:comment_id>/restore/",
        comments.RestoredComment.as_view(),
        name="api_comment_restore",
    ),
    path(
        "models/<int:model_id>/history/",
        history.ModelHistory.as_view(),
        name="api_model_history",
    ),
    path(
        "models/<int:model_id>/standing/",
        social.ModelStanding.as_view(),
        name="api_model_standing",
    ),
    path("following/", social.Following.as_view(), name="api_following"),
    path(
        "following/people/<str:name>/",
        social.FollowPerson.as_view(),
        name="api_follow_person",
    ),
    path("following/tags/<str:name>/", social.FollowTag.as_view(), name="api_follow_tag"),
    path("mentions/", comments.Mentions.as_view(), name="api_mentions"),
    path("collections/", collections.Collections.as_view(), name="api_collections"),
    path(
        "collections/<int:collection_id>/",
        collections.OneCollection.as_view(),
        name="api_collection",
    ),
    path(
        "collections/<int:collection_id>/models/",
        collections.CollectionModels.as_view(),
        name="api_collection_models",
    ),
    path("files/<int:file_id>/", files.OneFile.as_view(), name="api_file"),
    path("files/<int:file_id>/primary/", states.PrimaryFile.as_view(), name="api_file_primary"),
    path("files/<int:file_id>/rescan/", states.RescannedFile.as_view(), name="api_file_rescan"),
    path(
        "files/<int:file_id>/conversion/",
        files.FileConversion.as_view(),
        name="api_file_conversion",
    ),
    path("files/of-size/<int:size_bytes>/", files.FilesOfSize.as_view(), name="api_files_of_size"),
    path("files/read-header/", files.ReadHeader.as_view(), name="api_read_header"),
    path("files/by-name/", files.FileByName.as_view(), name="api_file_by_name"),
    path("files/by-hash/", files.ManyByHash.as_view(), name="api_files_by_hash"),
    path("files/by-hash/<str:hash_text>/", files.FileByHash.as_view(), name="api_file_by_hash"),
    path("datasets/", datasets.Datasets.as_view(), name="api_datasets"),
    path("datasets/<str:key>/", datasets.OneDataset.as_view(), name="api_dataset"),
    path(
        "datasets/<str:key>/imports/",
        datasets.DatasetImports.as_view(),
        name="api_dataset_imports",
    ),
    path(
        "datasets/<str:key>/imports/<uuid:import_id>/",
        datasets.OneImport.as_view(),
        name="api_dataset_import",
    ),
    path("jobs/", jobs.Jobs.as_view(), name="api_jobs"),
    path("jobs/<str:key>/", jobs.OneJob.as_view(), name="api_job"),
    path("jobs/<str:key>/cancel/", jobs.JobCancel.as_view(), name="api_job_cancel"),
    path("jobs/<str:key>/stop/", jobs.JobStop.as_view(), name="api_job_stop"),
    path("jobs/<str:key>/pause/", jobs.JobPause.as_view(), name="api_job_pause"),
    path("jobs/<str:key>/resume/", jobs.JobResume.as_view(), name="api_job_resume"),
    path("jobs/<str:key>/events/", jobs.JobEvents.as_view(), name="api_job_events"),
    path("jobs/<str:key>/artifacts/", jobs.JobArtifacts.as_view(), name="api_job_artifacts"),
    path(
        "artifacts/<uuid:artifact_id>/file/",
        jobs.ArtifactFile.as_view(),
        name="api_artifact_file",
    ),
    path("presets/", jobs.Presets.as_view(), name="api_presets"),
    # The page at docs/ is not ours.
    re_path(r"^(?!docs/\Z)[\s\S]*/\Z", Nothing.as_view()),
    re_path(r"[^/]\Z", with_slash),
]
