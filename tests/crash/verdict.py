"""What a run kept: no grade lost, wrong or lowered; no registration twice; equal repeats."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import requests

from tests.crash.learners import Learner
from tests.crash.promises import broken_promises, score_given
from tests.crash.world import World


@dataclass(frozen=True)
class Verdict:
    """How often each promise was broken; `details` tell each case."""

    broken: Counter[str]
    posted_again: int
    accepted: int
    duplicates: int
    details: list[str]


def judge(world: World, learners: list[Learner]) -> Verdict:
    """Compare what learners did with what the LMS and SCORM Cloud got."""
    posts = _posts_by_learner(world)
    broken: Counter[str] = Counter()
    details = []
    for learner in learners:
        mine, shown = posts[learner.someone.sub], world.shown_grade(learner.someone)
        taken = [post["body"] for post in mine if post["status"] < 300]
        refused = [post["body"] for post in mine if post["status"] >= 300]
        found = broken_promises(learner.scores, taken, shown, refused)
        broken.update(found)
        if found:
            given = [(score_given(post["body"]), post["status"]) for post in mine]
            details.append(
                f"{learner.someone.key} ({learner.kind}): {', '.join(found)}; sessions "
                f"{learner.scores}, scores posted {given}, the gradebook shows {shown}"
            )
    again = _posted_again(world, len(learners))
    everything = [post for mine in posts.values() for post in mine]
    accepted = sum(post["status"] < 300 for post in everything)
    duplicates = len(everything) - len({post["body"] for post in everything})
    return Verdict(broken, len(again), accepted, duplicates, details + again)


def _posts_by_learner(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return the scores that reached the LMS, by learner, in their order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for post in world.stage.score_posts():
        found[json.loads(post["body"])["userId"]].append(post)
    return found


def _posted_again(world: World, learners: int) -> list[str]:
    """Return a sentence for each registration that was not POSTed exactly once."""
    url = f"{world.stage.cloud.url}/control/registrations"
    posts = requests.get(url, timeout=30).json()["posts"]
    found = [
        f"registration {name} was POSTed: {post}"
        for name, post in posts.items()
        if post != {"accepted": 1, "refused": 0}
    ]
    if len(posts) != learners:
        found.append(f"there are {len(posts)} registrations for {learners} learners")
    return found
