"""Scale-out: the same jobs on Celery. `celery -A config.celery worker` runs them; product code never sees this file."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskResult, TaskResultStatus

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("concord", set_as_current=False)
app.conf.update(
    broker_url=settings.BROKER_URL or "memory://",
    task_default_queue=settings.QUEUE,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    # Redelivery after a crash is harmless here (jobs are safe to repeat), losing a wake-up is repaired by the sweep.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task(name="concord.run")
def run(path: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """Run the job that lives at `path`."""
    import_string(path).call(*args, **kwargs)


class CeleryBackend(BaseTaskBackend):
    """Hands jobs of the django.tasks API to Celery; progress lives in our own rows, so no result is kept."""

    supports_defer = True

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Send the job to the broker, at `run_after` if it names a time."""
        self.validate_task(task)
        sent = run.apply_async((task.module_path, list(args), dict(kwargs)), eta=task.run_after)
        return TaskResult(
            task=task,
            id=sent.id,
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
