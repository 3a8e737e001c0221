"""The `movepass` command: thin; all logic lives in the packages below it."""
