"""Find `imsmanifest.xml` in a zip and read it as XML, in whatever encoding it is written."""

import codecs
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from lti_sandbox.practice_scorm_cloud.zips import BadPackage

NAME = "imsmanifest.xml"
OTHER_STANDARDS = {"cmi5.xml": "a cmi5", "tincan.xml": "an xAPI (Tin Can)"}
PLAYS = (
    "The practice SCORM Cloud plays SCORM 1.2 and SCORM 2004 only. Export the course as one of "
    "these, or try it at SCORM Cloud itself."
)

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
WITHOUT_MARK = {b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']\s*([A-Za-z0-9._:-]+)""")
# Authoring tools use these names for supersets with more characters.
LARGER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
}


def read_manifest(files: Mapping[str, bytes]) -> ElementTree.Element:
    """Return the manifest's root, its attributes without spaces around; BadPackage in words."""
    if NAME not in files:
        raise BadPackage(_why_there_is_none(files))
    text = _decode(files[NAME])
    if "<!ENTITY" in text:
        raise BadPackage(f"{NAME} declares entities; that is not accepted.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as problem:
        raise BadPackage(f"{NAME} is not well-formed: {problem}.") from problem
    if "imsccv" in root.tag:
        raise BadPackage(f"The zip holds a Common Cartridge, which is no SCORM package. {PLAYS}")
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, value.strip())
    return root


def _decode(manifest: bytes) -> str:
    encoding = _encoding(manifest)
    try:
        known = codecs.lookup(encoding).name
        return manifest.decode(LARGER.get(known, known)).lstrip("\ufeff")
    except LookupError as problem:
        raise BadPackage(f"{NAME} is in the encoding {encoding!r}, which is unknown.") from problem
    except ValueError as problem:
        sentence = f"{NAME} holds bytes that are not in its encoding, {encoding!r}."
        raise BadPackage(sentence) from problem


def _encoding(manifest: bytes) -> str:
    for mark, name in BYTE_ORDER_MARKS.items():
        if manifest.startswith(mark):
            return name
    if manifest[:2] in WITHOUT_MARK:
        return WITHOUT_MARK[manifest[:2]]
    declared = DECLARED.match(manifest.lstrip())
    name = declared[1].decode() if declared else "utf-8"
    # An editor may have changed the encoding but not the declaration.
    return "utf-8" if name.lower().startswith("utf-16") else name


def _why_there_is_none(files: Mapping[str, bytes]) -> str:
    for path in files:
        if path.lower() in OTHER_STANDARDS:
            return f"The zip holds {OTHER_STANDARDS[path.lower()]} package ({path}). {PLAYS}"
        if path.lower().endswith(".crs") and "/" not in path:
            return f"The zip holds an AICC package ({path}). {PLAYS}"
    sentence = f"There is no {NAME} at the top of the zip."
    for path in files:
        folder, _, name = path.rpartition("/")
        if name.lower() == NAME and folder:
            return f"{sentence} It lies in the folder {folder!r}: zip what is in that folder."
        if name.lower() == NAME:
            return (
                f"{sentence} There is one called {path!r}: SCORM wants its name in small letters."
            )
    inner = next((path for path in files if path.lower().endswith(".zip")), None)
    if inner is not None:
        return f"{sentence} There is another zip in it, {inner!r}: upload that one."
    return f"{sentence} Export the course as SCORM 1.2 or SCORM 2004 from your authoring tool."
