"""What is an application's fault, and what is the store's."""

from collections.abc import Callable

import pytest
from support.applications import draft, form

from movepass_service.applications.application import read_application
from movepass_service.errors import Busy, MissingRules, ServiceError, StoreError
from movepass_service.issuing.deciding import decider
from movepass_service.rules import RuleSet
from movepass_service.stores.dynamodb.document import Content, Document, kept_of

NOW = 1795316400
REFERENCE = "0000-0000-0000"
KEPT = kept_of(Content.of(draft(read_application(form(NOW), now=NOW)), REFERENCE, 1, 1, NOW, "v1"), Document())


def failing(error: ServiceError) -> Callable[[str | None], RuleSet]:
    def rules(_: str | None) -> RuleSet:
        raise error

    return rules


@pytest.mark.parametrize("error", [StoreError("no answer"), Busy(5)])
def test_while_the_rules_cannot_be_read_nothing_is_decided(error: ServiceError) -> None:
    with pytest.raises(type(error)):
        decider(failing(error), NOW)(KEPT, None)


def test_an_application_whose_rules_are_missing_is_referred() -> None:
    made = decider(failing(MissingRules("none")), NOW)(KEPT, None)
    assert (made.action, made.code) == ("refer", "not-decided")
