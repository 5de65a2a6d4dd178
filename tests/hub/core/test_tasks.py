from contextlib import contextmanager

import pytest
from django.db import connection

from hub.celery import app
from hub.core.tasks import TaskName, enqueue_on_commit


@contextmanager
def committing():
    """What Django does after a commit, without one."""
    before, connection.run_on_commit = connection.run_on_commit, []
    atomic, connection.in_atomic_block = connection.in_atomic_block, False
    try:
        yield
    finally:
        connection.run_on_commit, connection.in_atomic_block = before, atomic


@pytest.mark.django_db
def test_a_broker_that_is_away_fails_no_request(monkeypatch, caplog):
    def refuse(*_args, **_named):
        raise ConnectionError("nobody listens")

    monkeypatch.setattr(app, "send_task", refuse)
    enqueue_on_commit(TaskName.STORAGE_COLLECT)
    waiting = connection.run_on_commit[-1:]
    with committing():
        connection.run_on_commit = waiting
        connection.run_and_clear_commit_hooks()
    assert "nobody listens" in caplog.text


def test_every_task_name_is_registered_and_every_task_is_named():
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == {str(name) for name in TaskName}


def test_every_task_but_training_has_both_time_limits():
    """A run takes as long as it takes: its lease watches over it, not a time limit."""
    app.loader.import_default_modules()
    for name in set(TaskName) - {TaskName.JOBS_RUN_NEXT}:
        task = app.tasks[str(name)]
        assert task.soft_time_limit is not None, name
        assert task.time_limit > task.soft_time_limit, name
