"""Tasks: the kinds of targets that a model predicts, behind one interface."""

from lstmcast.tasks.registry import TASKS, get_task

__all__ = ["TASKS", "get_task"]
