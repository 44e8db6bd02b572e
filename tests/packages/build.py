"""Write SCORM packages for tests: a manifest of nested items, pages that report by themselves."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

Standard = Literal["1.2", "2004"]

HEADS: dict[str, str] = {
    "1.2": '<manifest identifier="made" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"'
    ' xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">',
    "2004": '<manifest identifier="made" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"'
    ' xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3"'
    ' xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3"'
    ' xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3"'
    ' xmlns:imsss="http://www.imsglobal.org/xsd/imsss">',
}
VERSIONS = {"1.2": "1.2", "2004": "2004 4th Edition"}

# A page finds the run-time as packages do, reports what it is told to, and says so in its title.
SCRIPT = """
var names = {names}, values = {values};
function search(from) {{
  for (var depth = 0; from && depth < 10; depth += 1) {{
    if (from[names.api]) {{ return from[names.api]; }}
    from = from === from.parent ? null : from.parent;
  }}
  return null;
}}
var api = search(window) || (window.opener && search(window.opener)), open = false;
function begin() {{ open = Boolean(api) && String(api[names.begin]("")) === "true"; }}
function report() {{
  for (var key in values) {{ api[names.set](key, values[key]); }}
  api[names.save]("");
}}
function end() {{ if (open) {{ open = false; api[names.end](""); }} }}
{body}
"""
CALLS: dict[str, dict[str, str]] = {
    "1.2": {
        "api": "API",
        "begin": "LMSInitialize",
        "set": "LMSSetValue",
        "save": "LMSCommit",
        "end": "LMSFinish",
    },
    "2004": {
        "api": "API_1484_11",
        "begin": "Initialize",
        "set": "SetValue",
        "save": "Commit",
        "end": "Terminate",
    },
}
AT_ONCE = """
begin(); if (open) { report(); }
document.title += " (reported)";
window.addEventListener("pagehide", end);
"""


@dataclass(frozen=True)
class Item:
    """One item of the activity tree; `inside` is XML within it, after its title."""

    title: str
    href: str = ""
    kind: Literal["sco", "asset"] = "sco"
    parameters: str = ""
    inside: str = ""
    children: tuple["Item", ...] = ()


def manifest(
    standard: Standard, title: str, items: Iterable[Item], *, sequencing: str = "", more: str = ""
) -> str:
    """Return a manifest; `sequencing` is the organization's, `more` follows the resources."""
    resources: list[str] = []
    tree = "".join(_item(standard, one, resources) for one in items)
    return (
        f"{HEADS[standard]}<metadata><schema>ADL SCORM</schema>"
        f"<schemaversion>{VERSIONS[standard]}</schemaversion></metadata>"
        f'<organizations default="o"><organization identifier="o"><title>{escape(title)}</title>'
        f"{tree}{sequencing}</organization></organizations>"
        f"<resources>{''.join(resources)}</resources>{more}</manifest>"
    )


def _item(standard: Standard, item: Item, resources: list[str]) -> str:
    names = ""
    number = len(resources) + 1
    if item.href:
        kind = "adlcp:scormtype" if standard == "1.2" else "adlcp:scormType"
        resources.append(
            f'<resource identifier="r{number}" type="webcontent" {kind}="{item.kind}"'
            f' href="{escape(item.href)}"/>'
        )
        names = f' identifier="i{number}" identifierref="r{number}"'
    else:
        names = f' identifier="group-{escape(item.title)}"'
    if item.parameters:
        names += f' parameters="{escape(item.parameters)}"'
    children = "".join(_item(standard, child, resources) for child in item.children)
    return f"<item{names}><title>{escape(item.title)}</title>{children}{item.inside}</item>"


def page(
    standard: Standard,
    title: str,
    values: Mapping[str, str],
    *,
    body: str = AT_ONCE,
    html: str = "",
    charset: str = "utf-8",
) -> bytes:
    """Return a page that reports `values` when it is opened, in its own charset."""
    script = SCRIPT.format(
        names=json.dumps(CALLS[standard]), values=json.dumps(dict(values)), body=body
    )
    text = (
        f'<!doctype html><meta charset="{charset}"><title>{escape(title)}</title>'
        f"<h1>{escape(title)}</h1>{html}<script>{script}</script>"
    )
    return text.encode(charset)


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """Return a zip of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return packed.getvalue()
