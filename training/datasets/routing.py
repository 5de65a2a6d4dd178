"""Addresses of the websockets of datasets."""

from __future__ import annotations

from django.urls import path

from training.datasets.consumers import EditorConsumer

websocket_urlpatterns = [path("ws/datasets/<uuid:dataset_id>/", EditorConsumer.as_asgi())]
