"""A hostile repository against a real device; docs/threat-model.md has the table."""

import pytest

pytest.register_assert_rewrite("attacks.scene")
