"""Delivery of postbacks: an in-memory queue, four threads, retries."""

import base64
import heapq
import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import requests

MAX_RETRIES = 70
LONGEST_WAIT_SECONDS = 900.0


@dataclass(frozen=True)
class Delivery:
    """One message to one listener, and how often it was tried."""

    target: dict[str, Any]
    body: dict[str, Any]
    tries: int = 0


class Postbacks:
    """Deliver messages in background threads; the same rules as the real queue, but quicker.

    Success is any status below 400; redirects are not followed. Everything else is retried after
    `retry_seconds`, doubling, with jitter.
    """

    def __init__(self, retry_seconds: float, *, timeout_seconds: float = 10, threads: int = 4):
        self.retry_seconds = retry_seconds
        self.timeout_seconds = timeout_seconds
        self._threads = threads
        self._number = itertools.count()
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._workers: list[threading.Thread] = []

    def queue(self, target: dict[str, Any], body: dict[str, Any], delay_seconds: float = 0) -> None:
        """Queue a message for delivery after a delay, with the present body."""
        self._put(Delivery(target, json.loads(json.dumps(body))), delay_seconds)

    def stop(self) -> None:
        """End the threads and drop waiting messages."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join(timeout=self.timeout_seconds + 1)

    def _put(self, delivery: Delivery, delay_seconds: float) -> None:
        with self._changed:
            if self._stopped:
                return
            if not self._workers:
                self._start()
            due = time.monotonic() + delay_seconds
            heapq.heappush(self._waiting, (due, next(self._number), delivery))
            self._changed.notify_all()

    def _start(self) -> None:
        for _ in range(self._threads):
            worker = threading.Thread(target=self._work, daemon=True)
            self._workers.append(worker)
            worker.start()

    def _work(self) -> None:
        with requests.Session() as session:
            while (delivery := self._next()) is not None:
                if not send(session, delivery.target, delivery.body, self.timeout_seconds):
                    self._try_later(delivery)

    def _next(self) -> Delivery | None:
        with self._changed:
            while not self._stopped:
                wait = None
                if self._waiting:
                    wait = self._waiting[0][0] - time.monotonic()
                    if wait <= 0:
                        return heapq.heappop(self._waiting)[2]
                self._changed.wait(wait)
        return None

    def _try_later(self, delivery: Delivery) -> None:
        if delivery.tries >= MAX_RETRIES:
            return
        wait = min(self.retry_seconds * 2.0 ** min(delivery.tries, 20), LONGEST_WAIT_SECONDS)
        again = replace(delivery, tries=delivery.tries + 1)
        self._put(again, wait * random.uniform(1, 1.2))


def send(
    session: requests.Session, target: dict[str, Any], body: dict[str, Any], timeout_seconds: float
) -> bool:
    """Make one try; True when the listener answered with a status below 400."""
    headers = {"User-Agent": "practice-scorm-cloud"}
    user, password = target.get("userName") or "", target.get("password") or ""
    if target.get("authType") == "HTTPBASIC":
        headers["Content-Type"] = "application/json; charset=UTF-8"
        data: Any = json.dumps(body).encode()
        if user and password:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        data = {"data": json.dumps(body), "userName": user, "password": password}
    try:
        with session.post(
            target["url"],
            data=data,
            headers=headers,
            timeout=timeout_seconds,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return answer.status_code < 400
    except requests.RequestException:
        return False
