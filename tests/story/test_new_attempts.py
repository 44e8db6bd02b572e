"""A course that begins anew at each launch: what was graded stays, by every policy."""

import pytest

from tests.story.test_right_number import UNFINISHED, cell, set_policy
from tests.story.town import COURSE, Town

FINISHED = {
    "cmi.completion_status": "completed",
    "cmi.success_status": "passed",
    "cmi.score.scaled": "0.8",
    "cmi.exit": "normal",
}


@pytest.mark.parametrize("timing", ["NEVER", "WHEN_EXIT_IS_NOT_SUSPEND"])
@pytest.mark.parametrize("answer", ["best", "latest", "first", "average"])
def test_grade_outlives_a_new_attempt(town: Town, timing: str, answer: str) -> None:
    activity = town.begin()
    setting = {"settings": [{"settingId": "PlayerResetRunTimeData", "value": timing}]}
    address = f"/api/v2/courses/{COURSE}/configuration"
    town.ask(town.cloud, "POST", address, json=setting, auth=("practice", "practice"))
    player = town.open_player(town.do(lambda: town.click(activity)))
    message = {"sequence": 1, "cmi": FINISHED, "finished": True, "exit": "exited"}
    left = town.ask(town.cloud, "POST", f"{player}/commit", json=message).json
    town.do(lambda: town.visit(left["next"]["url"]))
    town.settle()
    set_policy(town, answer=answer)
    assert cell(town, activity) == 80

    town.clock.advance(120)
    town.learn(activity, None, **UNFINISHED)
    town.settle()

    assert cell(town, activity) == 80
