"""A mini platform, and an outbound session that may call it."""

from collections.abc import Iterator

import pytest

from lti_bridge.core.http.session import Outbound
from tests.mini_platform import MiniPlatform


@pytest.fixture
def platform() -> Iterator[MiniPlatform]:
    platform = MiniPlatform()
    yield platform
    platform.stop()


@pytest.fixture
def outbound() -> Iterator[Outbound]:
    outbound = Outbound(allow_private_networks=True)
    yield outbound
    outbound.close()
