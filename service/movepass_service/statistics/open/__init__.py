"""Open statistics: fixed tables of whole days in which no small count can be found, however they are combined."""
