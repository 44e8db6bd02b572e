"""Prometheus metrics: counters of events, and gauges computed at each scrape."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, generate_latest

from ..core.events import Events
from ..services import Services
from .counts import Counter, Counts, Histogram
from .gauges import RowGauges

COUNTS = "lti_bridge_counts"
FOLDER = "metrics"

LAUNCHES = Counter(
    "lti_bridge_launches_total", "Launches that came to an end.", ("outcome", "visitor", "rung")
)
PAGES_REFUSED = Counter(
    "lti_bridge_pages_refused_total", "Pages for staff that ended in a failure.", ("outcome",)
)
EXITS = Counter("lti_bridge_exits_total", "Learners who came back from the player.")
POSTBACKS = Counter("lti_bridge_postbacks_total", "Genuine postbacks.", ("news",))
READS = Counter("lti_bridge_reads_total", "Looks at one registration.", ("kind", "outcome"))
SWEEPS = Counter("lti_bridge_sweeps_total", "Sweeps of an account.", ("outcome",))
SWEEP_CHANGES = Counter("lti_bridge_sweep_changes_total", "Changed results that a sweep saw first.")
SCORE_TRIES = Counter(
    "lti_bridge_score_tries_total", "HTTP tries to bring a score home.", ("outcome", "dialect")
)
SCORES = Counter("lti_bridge_scores_total", "Scores that came to an end.", ("state", "dialect"))
RECONCILED = Counter(
    "lti_bridge_reconciled_total", "Grades that were compared with the gradebook.", ("drift",)
)
READS_PER_EXIT = Histogram(
    "lti_bridge_reads_per_exit",
    "Calls to SCORM Cloud until an exit's result was there, or was no longer looked for.",
    (1, 2, 3, 4, 5, 6, 8, 12),
    ("result",),
)
EXIT_TO_GRADEBOOK = Histogram(
    "lti_bridge_exit_to_gradebook_seconds",
    "From the exit until the gradebook has the score.",
    (1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 900, 3600, 21600, 86400),
    ("dialect",),
)
REQUEST_SECONDS = Histogram(
    "lti_bridge_request_seconds",
    "How long requests took, by the part that answered and the kind of answer.",
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    ("endpoint", "status"),
)


@dataclass(frozen=True)
class CountingRule:
    """How one event changes one metric.

    `value` names the event's field with the amount or measurement. Labels come from the event, or
    are `fixed`.
    """

    metric: Counter | Histogram
    value: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)


RULES: dict[str, tuple[CountingRule, ...]] = {
    "launch": (CountingRule(LAUNCHES),),
    "page_refused": (CountingRule(PAGES_REFUSED),),
    "exit": (CountingRule(EXITS),),
    "postback": (CountingRule(POSTBACKS),),
    "read": (CountingRule(READS, fixed={"kind": "progress", "outcome": "answered"}),),
    "read_failed": (CountingRule(READS, fixed={"kind": "progress", "outcome": "failed"}),),
    "read_gone": (CountingRule(READS, fixed={"kind": "progress", "outcome": "gone"}),),
    "read_history": (CountingRule(READS, fixed={"kind": "history", "outcome": "answered"}),),
    "settled": (CountingRule(READS_PER_EXIT, "reads"),),
    "sweep": (
        CountingRule(SWEEPS, fixed={"outcome": "complete"}),
        CountingRule(SWEEP_CHANGES, "changed"),
    ),
    "sweep_failed": (CountingRule(SWEEPS, fixed={"outcome": "failed"}),),
    "score_try": (CountingRule(SCORE_TRIES),),
    "score": (CountingRule(SCORES),),
    "exit_to_gradebook": (CountingRule(EXIT_TO_GRADEBOOK, "seconds"),),
    "reconciled": (CountingRule(RECONCILED, "count"),),
    "request": (CountingRule(REQUEST_SECONDS, "seconds"),),
}


def count_events(app: Flask, services: Services) -> None:
    """Subscribe to this process's events, and measure its requests."""
    counts = Counts(services.settings.data_dir / FOLDER)
    app.extensions[COUNTS] = counts

    def count(name: str, labels: Mapping[str, str | float]) -> None:
        for rule in RULES.get(name, ()):
            _apply(counts, rule, labels)

    services.events.subscribe(count)
    _time_requests(app, services.events)


def _apply(counts: Counts, rule: CountingRule, labels: Mapping[str, str | float]) -> None:
    known = {**labels, **rule.fixed}
    values = tuple(str(known.get(name, "")) for name in rule.metric.labels)
    amount = float(labels[rule.value]) if rule.value else 1.0
    if isinstance(rule.metric, Histogram):
        counts.observe(rule.metric, values, amount)
    else:
        counts.add(rule.metric, values, amount)


def _time_requests(app: Flask, events: Events) -> None:
    def begin() -> None:
        g.began_at = time.monotonic()

    def end(response: Response) -> Response:
        blueprint = (request.endpoint or "").partition(".")[0]
        if "began_at" in g and blueprint not in ("ops", "static"):
            events.publish(
                "request",
                endpoint=request.endpoint or "unknown",
                status=f"{response.status_code // 100}xx",
                seconds=time.monotonic() - g.began_at,
            )
        return response

    app.before_request(begin)
    app.after_request(end)


def exposition(services: Services, counts: Counts) -> bytes:
    """Return all metrics in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(RowGauges(services))
    registry.register(_NodeCounts(counts))
    return generate_latest(registry)


class _NodeCounts:
    """Collector of the counts of all processes."""

    def __init__(self, counts: Counts) -> None:
        self.collect = counts.read
