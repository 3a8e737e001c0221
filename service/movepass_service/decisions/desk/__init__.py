"""The desk's core: the queue, claims, decisions, four eyes, second looks, bulk decisions and settings."""

from movepass_service.decisions.desk.cases import Case, Filters, Queue, QueueLine
from movepass_service.decisions.desk.desk import Desk
from movepass_service.decisions.desk.settings import DeskSettings, DeskSettingsError
from movepass_service.decisions.desk.values import Batch, BulkPreview, DeskError, Done, OpenCase

__all__ = [
    "Batch", "BulkPreview", "Case", "Desk", "DeskError", "DeskSettings", "DeskSettingsError", "Done", "Filters",
    "OpenCase", "Queue", "QueueLine",
]  # fmt: skip
