"""Run the bridge's command with a wrong clock: `python -m tests.crash.skewed SECONDS worker …`."""

import datetime
import sys
import time
from typing import Any


def shift_clock(seconds: float) -> None:
    """Let this process believe that it is `seconds` later; its monotonic clock stays right."""
    true_time, true_datetime = time.time, datetime.datetime

    class _Kind(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, true_datetime)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, true_datetime)

    class Shifted(true_datetime, metaclass=_Kind):
        """Makes true datetimes, so that no library meets one of an unknown kind or size."""

        __slots__ = ()

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return true_datetime(*args, **kwargs)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return true_datetime.now(tz) + datetime.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now(datetime.UTC).replace(tzinfo=None)

    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: int((true_time() + seconds) * 1e9)
    vars(datetime)["datetime"] = Shifted


if __name__ == "__main__":
    shift_clock(float(sys.argv.pop(1)))
    # Imported now: everything below must meet the shifted clock.
    from lti_bridge.cli import main

    main()
