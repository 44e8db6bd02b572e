"""The console's views of the overview and the activities."""

from flask import Blueprint, Response, request

from ...audit.actor import Actor
from ...core.db import reading
from ...ops.processes import Nodes, load_nodes
from ...problems.find_problems import find_problems
from ...services import current_services
from ...web.histogram import draw_bars
from ..access import Rule, allow
from ..layout import show
from .activities import load_activities
from .daily_counts import count_days, measure_latency
from .on_the_way import load_overview
from .sweeps import find_sweeps

LISTED_PROBLEMS = 8

blueprint = Blueprint("dashboard", __name__, url_prefix="/console")


@blueprint.get("/")
@allow(Rule.SIGNED_IN)
def overview(actor: Actor) -> Response:
    """The overview: work in progress, counts by day, problems."""
    services = current_services()
    shown = load_overview(services, actor)
    with reading():
        days = count_days(actor.scope, services.now())
        latency = measure_latency(actor.scope, services.now())
        sweeps = find_sweeps(services.now()) if actor.is_owner else []
        nodes = load_nodes(services.now()) if actor.is_owner else Nodes(())
        problems = find_problems(services, actor.scope)
    charts = [
        (label, draw_bars([getattr(day, name) for day in days]))
        for name, label in (
            ("launches", "Launches"),
            ("completions", "Courses finished"),
            ("grades", "Grades delivered"),
        )
    ]
    return show(
        "console/overview/overview.html",
        shown=shown,
        days=days,
        charts=charts,
        latency=latency,
        sweeps=sweeps,
        nodes=nodes,
        problems=problems,
        listed=LISTED_PROBLEMS,
    )


@blueprint.get("/activities")
@allow(Rule.SIGNED_IN)
def activities(actor: Actor) -> Response:
    """Every activity that the actor may see."""
    shown = load_activities(current_services(), actor, request.args.get("search", ""))
    return show("console/overview/activities.html", shown=shown)
