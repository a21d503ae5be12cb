"""What the commands ask of a model, whatever it says: a kind for each `model.task`, looked up once."""

from lstmcast.tasks.registry import HEADS, get_task

__all__ = ["HEADS", "get_task"]
