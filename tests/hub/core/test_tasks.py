from hub.celery import app
from hub.core.tasks import TaskName


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
