"""No word of a button or a table head is broken, however narrow the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lti_bridge
from tests.browser.axe import SIDEWAYS
from tests.door import open_door
from tests.security.pages import Pages

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
STATIC = Path(lti_bridge.__file__).parent / "static"
WIDTHS = (320, 375, 600)  # two phones, and a narrow frame of an LMS
# The words of buttons and heads whose letters stand on several lines.
BROKEN = r"""() => {
  const broken = [];
  for (const one of document.querySelectorAll("button, .button, th:not([scope=row])")) {
    if (!one.checkVisibility() || one.offsetWidth < 2) continue;  // for screen readers alone
    const texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode()); ) {
      for (const word of text.data.matchAll(/[^\s\-–/]+/g)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1) {
          broken.push(word[0]);
        }
      }
    }
  }
  return broken;
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Every page of the bridge, drawn without a server."""
    folder = tmp_path_factory.mktemp("words")
    with open_door(f"sqlite:///{folder / 'bridge.sqlite3'}", folder) as door:
        yield Pages(door).all()


def test_words_of_buttons_and_heads_stay_whole(browser: Any, pages: dict[str, Any]) -> None:
    html = {f"/{number}": page.text for number, page in enumerate(pages.values())}
    context = browser.new_context()
    context.route("http://bridge.example/**", lambda route: _answer(route, html))
    opened, wrong, seen = context.new_page(), [], 0
    for number, name in enumerate(pages):
        opened.goto(f"http://bridge.example/{number}")
        for width in WIDTHS:
            opened.set_viewport_size({"width": width, "height": 800})
            wrong += [f"{name}, {width}: {word}" for word in opened.evaluate(BROKEN)]
            if (wider := opened.evaluate(SIDEWAYS)) > 0:
                wrong.append(f"{name}, {width}: scrolls sideways by {wider} pixels")
        seen += opened.locator("button, .button, th").count()
    context.close()

    assert not wrong, "\n".join(wrong)
    assert seen > 100


def _answer(route: Any, html: dict[str, str]) -> None:
    path = route.request.url.removeprefix("http://bridge.example")
    if path in html:
        route.fulfill(body=html[path], content_type="text/html")
    elif path.endswith(".css"):
        route.fulfill(path=str(STATIC / path.rpartition("/")[2]))
    else:
        route.fulfill(body="", content_type="text/plain")
