"""Hold back applications beyond the operator's capacity: places in line, lanes, and proof of work in a flood."""

from movepass_service.admission.gate import Admitted, Gate, Waiting
from movepass_service.admission.lanes import Lane
from movepass_service.admission.settings import LineSettings

__all__ = ["Admitted", "Gate", "Lane", "LineSettings", "Waiting"]
