"""Read forms and links out of a page, as much as a browser without scripts would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    id: str = ""


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.frames: list[str] = []
        self._open: Form | None = None
        self._text_of: list[str] | None = None
        self._href = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self.base, values.get("action", ""))
            method = values.get("method", "get").upper()
            self._open = Form(action, method, id=values.get("id", ""))
            self.forms.append(self._open)
        elif tag in ("input", "button") and self._open is not None and values.get("name"):
            self._open.fields[values["name"]] = values.get("value", "")
        elif tag == "select" and self._open is not None:
            self._select = values["name"]
        elif tag == "option" and self._open is not None:
            if "selected" in values or self._select not in self._open.fields:
                self._open.fields[self._select] = values.get("value", "")
        elif tag == "iframe" and values.get("src"):
            self.frames.append(urljoin(self.base, values["src"]))
        elif tag == "a" and values.get("href"):
            self._href = urljoin(self.base, values["href"])
            self._text_of = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "a" and self._text_of is not None:
            self.links.append((" ".join("".join(self._text_of).split()), self._href))
            self._text_of = None

    def handle_data(self, data: str) -> None:
        if self._text_of is not None:
            self._text_of.append(data)


def read_page(text: str, base: str) -> _Reader:
    """Return the forms, links and frames of a page that was loaded from `base`."""
    reader = _Reader(base)
    reader.feed(text)
    return reader
