"""Attack a real device with a hostile repository; docs/threat-model.md has the table."""

import pytest

pytest.register_assert_rewrite("attacks.scene")
