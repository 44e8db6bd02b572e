"""One activity, one learner and what happens to her grade, in steps that a table can list."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lti_sandbox.practice_lms.ags import ITEM_TYPE, ITEMS_TYPE, RESULTS_TYPE, SCORE_TYPE
from tests.lti_sandbox.lms.conftest import CLIENT, Lms

EXTENSION = "https://canvas.instructure.com/lti/submission"
ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
APART_SECONDS = 10


def moment(seconds: float) -> str:
    then = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return then.replace("+00:00", "Z")


class Scene:
    """Alice, an activity of `points`, and the answers that the tool's calls got."""

    def __init__(self, lms: Lms, points: float = 100, line_item: str = "coupled") -> None:
        self.lms = lms
        self.activity = lms.add_activity(points=points, line_item=line_item)
        self.sub = lms.state.people["alice"].sub
        self.token = lms.token()
        self.column = 0  # which of the activity's columns the tool's calls are for
        self.statuses: list[int] = []
        self.texts: list[str] = []
        self._next = time.time() + APART_SECONDS

    def control(self, method: str, path: str, **body: Any) -> Any:
        answer = self.lms.web.open(f"/control/{path}", method=method, json=body)
        self.statuses.append(answer.status_code)
        return answer.json

    def post(self, given: Any, maximum: Any = 100, **changes: Any) -> None:
        """Post a score for Alice, later than all before; None leaves a member out."""
        body = {
            "userId": self.sub,
            "timestamp": moment(self._next),
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "scoreGiven": given,
            "scoreMaximum": maximum,
        }
        self._next += APART_SECONDS
        score = {name: value for name, value in (body | changes).items() if value is not None}
        where, _, query = self.item_url().partition("?")
        data = json.dumps(score, separators=(",", ":"))
        answer = self.lms.call(
            "POST", f"{where}/scores?{query}", self.token, data=data, content_type=SCORE_TYPE
        )
        self.statuses.append(answer.status_code)
        self.texts.append(answer.text)

    def item_url(self) -> str:
        """The column's address; the last one that there was when it is deleted."""
        state = self.lms.state
        items = state.items_of(state.activities[self.activity])
        self._item = items[self.column].id if items else self._item
        if self.lms.dialect == "moodle":
            where = f"mod/lti/services.php/2/lineitems/{self._item}/lineitem?type_id=1"
            return f"http://localhost/{where}"
        return f"http://localhost/api/lti/courses/1/line_items/{self._item}"

    def entries(self, **query: str) -> list[dict[str, Any]]:
        where, _, rest = self.item_url().partition("?")
        asked = "&".join([rest, *(f"{name}={value}" for name, value in query.items())])
        url = f"{where}/results?{asked.strip('&')}"
        answer = self.lms.call("GET", url, self.token, headers={"Accept": RESULTS_TYPE})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json
        return found

    def found_items(self) -> list[str]:
        """Ask `lineitems` for the columns of the activity."""
        told = self.lms.web.get("/control/platform").json["line_items_url"]
        joiner = "&" if "?" in told else "?"
        url = f"{told}{joiner}resource_link_id={self.activity}"
        answer = self.lms.call("GET", url, self.token, headers={"Accept": ITEMS_TYPE})
        return [item["id"] for item in answer.json]

    def item_status(self) -> tuple[int, str]:
        answer = self.lms.call("GET", self.item_url(), self.token, headers={"Accept": ITEM_TYPE})
        return answer.status_code, "" if answer.status_code == 200 else answer.text

    # What a row of a table looks at

    def see(self, name: str) -> Any:
        seen: Any = getattr(self, f"see_{name}")()
        return seen

    def see_statuses(self) -> list[int]:
        return self.statuses

    def see_text(self) -> str:
        return self.texts[-1]

    def _cell(self) -> dict[str, Any]:
        cells = self.lms.web.get("/control/grades").json["grades"]
        ours = (c for c in cells if c["person"] == "alice" and c["activity"] == self.activity)
        found: dict[str, Any] = next(ours)
        return found

    def see_score(self) -> float | None:
        score: float | None = self._cell()["score"]
        return score

    def see_raw(self) -> float | None:
        raw: float | None = self._cell()["raw"]
        return raw

    def see_attempts(self) -> int:
        attempts: int = self._cell()["attempts"]
        return attempts

    def see_result(self) -> str:
        """What results say of Alice, such as `85 of 100`; older Canvas reads her id in userId."""
        entries = self.entries(user_id=self.sub, userId=self.sub)
        if not entries:
            return "no row"
        score = entries[0].get("resultScore")
        return "no score" if score is None else f"{score:g} of {entries[0]['resultMaximum']:g}"

    def see_extension(self) -> Any:
        return self.entries(user_id=self.sub)[0].get(EXTENSION)

    def see_claimed(self) -> str:
        """What the launch says of the column: its address, absent, or another's."""
        self.lms.act_as("alice")
        claims = self.lms.claims(f"/activities/{self.activity}/launch")
        return str(claims[ENDPOINT].get("lineitem", "absent"))

    def see_claims_the_column(self) -> bool:
        return self.see_claimed() == self.item_url()

    def see_item_status(self) -> tuple[int, str]:
        return self.item_status()


Step = Callable[[Scene], Any]


def post(given: Any, maximum: Any = 100, **changes: Any) -> Step:
    return lambda scene: scene.post(given, maximum, **changes)


def extended(given: Any, **extension: Any) -> Step:
    """Post with Canvas's extension."""
    return lambda scene: scene.post(given, **{EXTENSION: extension})


def grades(**body: Any) -> Step:
    """Do something to Alice's cell, as a person or a reset does."""

    def step(scene: Scene) -> None:
        where = {"activity": scene.activity, "person": "alice"}
        scene.control("PUT", "grades", **where, **body)

    return step


def course(**body: Any) -> Step:
    return lambda scene: scene.control("PUT", "course", **body)


def platform(**body: Any) -> Step:
    return lambda scene: scene.control("PUT", "platform", **body)


def activity(**body: Any) -> Step:
    return lambda scene: scene.control("PUT", f"activities/{scene.activity}", **body)


def columns(method: str, what: str = "") -> Step:
    return lambda scene: scene.control(method, f"line-items/{scene.activity}{what}")


def narrowed(*scopes: str) -> Step:
    return lambda scene: scene.control("PUT", f"tools/{CLIENT}", scopes=list(scopes))
