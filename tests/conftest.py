"""What holds for the whole suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bless", action="store_true", help="rewrite the golden images in tests/golden: look at each of them"
    )


@pytest.fixture(scope="session", autouse=True)
def levels_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Levels of detail are made anew: those that the user's own cache holds may be another version's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THRONG_CACHE", str(tmp_path_factory.mktemp("levels")))
        yield
