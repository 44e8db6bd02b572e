"""Play any package in a browser as a hasty learner does: first answers, next, next, exit."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MOST_STEPS = 150
IDLE_STEPS = 4
PAUSE_MILLISECONDS = 300
LEAVE_SECONDS = 15

# Answers what is open in one document, then presses what leads on; returns what was pressed.
STEP = """
(seen) => {
  const shown = (e) => e.getClientRects().length > 0 && !e.disabled;
  const open = new Map();
  for (const radio of document.querySelectorAll("input[type=radio]")) {
    if (!shown(radio)) continue;
    const group = radio.name || radio.id;
    open.set(group, (open.get(group) || []).concat(radio));
  }
  for (const group of open.values()) {
    if (!group.some((radio) => radio.checked)) group[0].click();
  }
  for (const text of document.querySelectorAll("input[type=text], input:not([type]), textarea")) {
    if (shown(text) && !text.value) {
      text.value = "1";
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
  const words = [/^(submit|check|finish quiz|done)/i, /^(next|continue|weiter|suivant|>|→)/i,
    /^(start|begin|enter|launch)/i];
  const buttons = [...document.querySelectorAll(
    "button, a, input[type=button], input[type=submit], [role=button], [onclick]")].filter(shown);
  for (const word of words) {
    for (const button of buttons) {
      const label = (button.innerText || button.value || button.title || "").trim();
      const state = label + "|" + document.body.innerText + "|"
        + [...document.querySelectorAll("iframe, frame")].map((f) => f.src).join();
      if (!word.test(label) || seen.includes(state)) continue;
      button.click();
      return state;
    }
  }
  return "";
}
"""
STATUS = ("lesson_status", "completion_status", "success_status")
SCORE = ("score.raw", "score.scaled")


@dataclass
class Said:
    """What a course reported last, by the elements of its run-time, over all its activities."""

    values: dict[str, str] = field(default_factory=dict)

    def hear(self, request: Any) -> None:
        """Read a commit of the player."""
        if request.method != "POST" or not request.url.endswith("/commit"):
            return
        try:
            message = json.loads(request.post_data or "{}")
        except ValueError:
            return
        for key, value in _elements(message):
            if key.startswith("cmi.") and key.endswith(STATUS + SCORE) and value:
                self.values[key] = value

    @property
    def score(self) -> float | None:
        """The score of 100 that was reported last."""
        for key, scale in (("cmi.score.scaled", 100.0), ("cmi.core.score.raw", 1.0)):
            if key in self.values:
                return float(self.values[key]) * scale
        return None

    def __str__(self) -> str:
        own = {k: v for k, v in self.values.items() if "objectives" not in k}
        return " ".join(f"{k.rpartition('cmi.')[2]}={v}" for k, v in own.items()) or "nothing"


def _elements(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str):
                yield key, inner
            else:
                yield from _elements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _elements(inner)


def play(page: Any) -> None:
    """Go through the course that the player in this page shows, and leave it."""
    seen: list[str] = []
    idle = 0
    for _ in range(MOST_STEPS):
        page.wait_for_timeout(PAUSE_MILLISECONDS)
        player = _player(page)
        if player is None and seen:
            return
        pressed = _step_content(page, seen) or (player is not None and _step_player(player))
        idle = 0 if pressed else idle + 1
        if idle >= IDLE_STEPS:
            break
    _leave(page)


def _player(page: Any) -> Any:
    return next((frame for frame in page.frames if "/player/" in frame.url), None)


def _step_content(page: Any, seen: list[str]) -> bool:
    for window in page.context.pages:
        for frame in window.frames:
            if "/content/" not in frame.url:
                continue
            try:
                pressed = frame.evaluate(STEP, seen)
            except Exception:  # the frame went on to another page meanwhile
                return True
            if pressed:
                seen.append(pressed)
                return True
    return False


def _step_player(player: Any) -> bool:
    """Press the player's own button to the next activity, where it has one."""
    button = player.get_by_role("button", name="Next")
    try:
        if button.count() and button.first.is_enabled():
            button.first.click(timeout=2000)
            return True
    except Exception:  # the player went on meanwhile
        return True
    return False


def _leave(page: Any) -> None:
    player = _player(page)
    for window in page.context.pages:
        if window != page:
            window.close()
    if player is None:
        return
    player.get_by_role("button", name="Exit course").click()
    for _ in range(int(LEAVE_SECONDS / 0.3)):
        if _player(page) is None:
            return
        page.wait_for_timeout(PAUSE_MILLISECONDS)
