from collections.abc import Iterator

import pytest
from support.sites import Browser, RunningSite, running_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def browser(site: RunningSite) -> Browser:
    return site.browser()
