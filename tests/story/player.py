"""A learner's open player, as far as its commits go."""

from typing import Any

import requests

from tests.story.stage import Person


class Player:
    """A session that a click in the LMS opened."""

    def __init__(self, person: Person, activity: str) -> None:
        launched = person.launch(activity)
        assert launched.status_code == 303, launched.text
        player = person.get(launched.headers["Location"])
        self._commit_url = f"{player.headers['Location']}/commit"
        if self._commit_url.startswith("/"):
            self._commit_url = person.stage.cloud.url + self._commit_url
        self._sequence = 0

    def commit(self, exit: str = "", **core: str) -> dict[str, Any]:
        """Report values of `cmi.core`, and leave when `exit` is "exited".

        Returns what the player is told: at the exit, where the learner goes next.
        """
        self._sequence += 1
        cmi = {f"cmi.core.{name}": value for name, value in core.items()}
        if "score" in core:
            cmi["cmi.core.score.raw"] = cmi.pop("cmi.core.score")
            cmi |= {"cmi.core.score.min": "0", "cmi.core.score.max": "100"}
        message = {"sequence": self._sequence, "cmi": cmi, "exit": exit, "seconds": 30}
        answer = requests.post(self._commit_url, json=message, timeout=10)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told
