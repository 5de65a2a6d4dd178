"""Addresses of the websockets of training."""

from __future__ import annotations

from django.urls import path

from training.jobs.consumers import JobConsumer, QueueConsumer

websocket_urlpatterns = [
    path("ws/jobs/<uuid:job_id>/", JobConsumer.as_asgi()),
    path("ws/queue/", QueueConsumer.as_asgi()),
]
