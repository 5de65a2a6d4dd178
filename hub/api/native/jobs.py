"""`/jobs/`, `/artifacts/`, `/presets/`: training runs."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.native.access import JobView, actor_of
from hub.api.native.job_shapes import (
    ArtifactQuery,
    ArtifactShape,
    EventQuery,
    EventsShape,
    JobDetailShape,
    JobQuery,
    JobShape,
    NewJobForm,
    PresetQuery,
    PresetShape,
)
from hub.api.native.keys import run_key, uuid_in
from hub.api.native.models import team_named
from hub.api.native.pages import ErrorShape, body_of, page_answer, page_of, query_of, shaped
from hub.core.pagination import keyset
from hub.storage.delivery import serve_blob
from models_registry.models.version import ModelVersion
from models_registry.queries import version_detail
from training.datasets.models.dataset import Dataset
from training.datasets.queries import dataset_for
from training.engine.presets.choosing import all_presets
from training.jobs.messages import message_of
from training.jobs.models.job import Job
from training.jobs.presets import settings_from_preset
from training.jobs.queries import artifact_for, artifacts_of, job_for, jobs_of
from training.jobs.services import lifecycle
from training.jobs.services.events import replay
from training.jobs.services.submit import submit_job

NEWEST = ("-created_at", "-id")


class Jobs(JobView):
    """All runs that the caller sees."""

    @extend_schema(operation_id="jobs_list", parameters=[JobQuery], responses=page_of(JobShape))
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        query = query_of(request, JobQuery)
        team = team_named(request, query["team"]) if "team" in query else None
        rows = jobs_of(request.user, team=team, states=sorted(query.get("state", ())))
        page = keyset(rows, order=NEWEST, cursor=query.get("cursor"), limit=query["limit"])
        return page_answer(JobShape, page)

    @extend_schema(
        operation_id="jobs_submit",
        request=NewJobForm,
        responses={
            201: JobDetailShape,
            400: ErrorShape,
            403: ErrorShape,
            404: ErrorShape,
            409: ErrorShape,
        },
    )
    def post(self, request: Request) -> Response:
        """Freeze the dataset as it is now and put a run in the team's line."""
        sent, actor = body_of(request, NewJobForm), actor_of(request)
        dataset = dataset_for(actor, uuid_in(sent["dataset"]) or sent["dataset"])
        base = version_detail(viewer=actor, version_id=sent["base_version_id"])
        job = submit_job(
            actor=actor,
            team=team_named(request, sent["team"]),
            name=sent["name"],
            dataset=dataset,
            base_version=base,
            method=sent["method"],
            config=_config(sent, dataset, base),
            preset=sent["preset"],
            device_wish=sent["device"],
        )
        return Response(JobDetailShape(job_for(actor, job.pk)).data, status=201)


class OneJob(JobView):
    """One run."""

    @extend_schema(operation_id="jobs_show", responses={200: JobDetailShape, 404: ErrorShape})
    def get(self, request: Request, key: str) -> Response:
        """Show a run by its id or number."""
        return Response(JobDetailShape(job_for(request.user, run_key(key))).data)


ACTION: dict[str, Any] = {
    "request": None,
    "responses": {200: JobDetailShape, 403: ErrorShape, 404: ErrorShape, 409: ErrorShape},
}


class JobCancel(JobView):
    """Ending a run."""

    @extend_schema(operation_id="jobs_cancel", **ACTION)
    def post(self, request: Request, key: str) -> Response:
        """End a run wherever it stands, and keep no result."""
        return _ask(request, key, lifecycle.request_cancel)


class JobStop(JobView):
    """Ending a run early."""

    @extend_schema(operation_id="jobs_stop", **ACTION)
    def post(self, request: Request, key: str) -> Response:
        """End a run at its next step and keep the result."""
        return _ask(request, key, lifecycle.request_stop)


class JobPause(JobView):
    """Pausing a run."""

    @extend_schema(operation_id="jobs_pause", **ACTION)
    def post(self, request: Request, key: str) -> Response:
        """Let a run save its state and leave the worker."""
        return _ask(request, key, lifecycle.request_pause)


class JobResume(JobView):
    """Going on with a paused run."""

    @extend_schema(operation_id="jobs_resume", **ACTION)
    def post(self, request: Request, key: str) -> Response:
        """Put a paused run back in line."""
        return _ask(request, key, lifecycle.resume_job)


class JobEvents(JobView):
    """What one run told."""

    @extend_schema(
        operation_id="jobs_events",
        parameters=[EventQuery],
        responses={200: EventsShape, 404: ErrorShape},
    )
    def get(self, request: Request, key: str) -> Response:
        """Numbered messages after `after`, in order, without gaps."""
        query = query_of(request, EventQuery)
        # The state is read before the messages: whoever sees the last state misses no message.
        job = job_for(request.user, run_key(key))
        events = replay(job, query["after"], limit=query["limit"])
        answer = {
            "items": [message_of(event) for event in events],
            "last_sequence": events[-1].sequence if events else query["after"],
            "state": job.state,
            "is_final": job.is_final,
        }
        return Response(answer)


class JobArtifacts(JobView):
    """What one run made."""

    @extend_schema(
        operation_id="jobs_artifacts",
        parameters=[ArtifactQuery],
        responses={200: page_of(ArtifactShape), 404: ErrorShape},
    )
    def get(self, request: Request, key: str) -> Response:
        """Files of one kind in the order in which they were made."""
        query = query_of(request, ArtifactQuery)
        rows = artifacts_of(job_for(request.user, run_key(key)), query["kind"])
        page = keyset(rows, order=("id",), cursor=query.get("cursor"), limit=query["limit"])
        return page_answer(ArtifactShape, page)


class ArtifactFile(JobView):
    """The bytes of one file."""

    @extend_schema(
        operation_id="artifacts_download",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 404: ErrorShape},
    )
    def get(self, request: Request, artifact_id: UUID) -> HttpResponseBase:
        """Download a file of a run: ranged, with the SHA-256 as ETag."""
        artifact = artifact_for(request.user, artifact_id)
        return serve_blob(request, artifact.blob, filename=artifact.name.rpartition("/")[2])


class Presets(JobView):
    """Named starting points."""

    @extend_schema(
        operation_id="presets_list",
        parameters=[PresetQuery],
        responses=PresetShape(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the presets that fit."""
        query = query_of(request, PresetQuery)
        kind = query.pop("kind", "")
        found = (
            row
            for row in all_presets()
            if all(getattr(row, name) == value for name, value in query.items())
            and (not kind or kind in row.kinds)
        )
        return Response(shaped(PresetShape, list(found)))


def _ask(request: Request, key: str, service: Callable[..., Job]) -> Response:
    actor = actor_of(request)
    service(actor=actor, job=job_for(actor, run_key(key)))
    return Response(JobDetailShape(job_for(actor, run_key(key))).data)


def _config(sent: dict[str, Any], dataset: Dataset, base: ModelVersion) -> dict[str, Any]:
    if not sent["preset"]:
        return dict(sent["config"])
    return settings_from_preset(
        sent["preset"],
        dataset=dataset,
        method=sent["method"],
        family=base.base_model.family if base.base_model else "",
        changes=sent["config"],
    )
