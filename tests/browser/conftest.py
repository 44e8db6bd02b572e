"""The running demo, for every browser test."""

from tests.browser.test_demo import demo

__all__ = ["demo"]
