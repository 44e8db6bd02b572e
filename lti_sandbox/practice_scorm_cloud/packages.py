"""Read a SCORM 1.2 or SCORM 2004 package: what its manifest says."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from lti_sandbox.practice_scorm_cloud.manifest import leaves, read_activities
from lti_sandbox.practice_scorm_cloud.zips import BadPackage


@dataclass(frozen=True)
class Package:
    """What the manifest says; `activities` is the tree that the player plays."""

    title: str
    standard: str
    root: dict[str, Any]
    activities: dict[str, Any]
    warnings: list[str] = field(default_factory=list)

    @property
    def sco(self) -> dict[str, Any]:
        """The first activity that has a page."""
        return next(leaves(self.activities))


def parse_package(files: Mapping[str, bytes]) -> Package:
    """Read `imsmanifest.xml`; BadPackage when there is none or it names nothing to play."""
    manifest = files.get("imsmanifest.xml")
    if manifest is None:
        raise BadPackage("There is no imsmanifest.xml at the top of the zip.")
    if b"<!ENTITY" in manifest:
        raise BadPackage("imsmanifest.xml declares entities; that is not accepted.")
    try:
        root = ElementTree.fromstring(manifest)
    except ElementTree.ParseError as problem:
        raise BadPackage(f"imsmanifest.xml is not well-formed: {problem}.") from problem
    return _Manifest(root, files).package()


class _Manifest:
    def __init__(self, root: ElementTree.Element, files: Mapping[str, bytes]) -> None:
        self.root = root
        self.files = files
        self.warnings: list[str] = []
        self.scos: list[dict[str, Any]] = []
        self.resources = self._resources()

    def package(self) -> Package:
        organization = self._organization()
        title = _text(organization, "title")
        tree = {
            "externalIdentifier": organization.get("identifier", "organization"),
            "itemIdentifier": organization.get("identifier", "organization"),
            "resourceIdentifier": "",
            "activityType": "AGGREGATION",
            "href": "",
            "title": title,
            "children": [self._activity(item) for item in _children(organization, "item")],
        }
        if not self.scos:
            raise BadPackage("imsmanifest.xml names no item with a page to open.")
        self._check_page(self.scos[0])
        standard = self._standard()
        activities = read_activities(standard, self.root, organization, tree)
        return Package(title, standard, tree, activities, self.warnings)

    def _organization(self) -> ElementTree.Element:
        holder = _child(self.root, "organizations")
        all_of_them = _children(holder, "organization") if holder is not None else []
        if holder is None or not all_of_them:
            raise BadPackage("imsmanifest.xml has no organization.")
        default = holder.get("default")
        for organization in all_of_them:
            if organization.get("identifier") == default:
                return organization
        self.warnings.append("The default organization is missing; the first one is used.")
        return all_of_them[0]

    def _standard(self) -> str:
        metadata = _child(self.root, "metadata")
        version = _text(metadata, "schemaversion") if metadata is not None else ""
        for words, name in (
            (("1.2",), "SCORM12"),
            (("4th",), "SCORM20044THEDITION"),
            (("3rd",), "SCORM20043RDEDITION"),
            (("1.3", "2nd"), "SCORM20042NDEDITION"),
        ):
            if any(word in version for word in words):
                return name
        if version:
            self.warnings.append(f"The schemaversion {version!r} is not known.")
        modern = any("adlcp_v1p3" in element.tag for element in self.root.iter())
        return "SCORM20043RDEDITION" if modern else "SCORM12"

    def _resources(self) -> dict[str, dict[str, str]]:
        holder = _child(self.root, "resources")
        if holder is None:
            return {}
        base = _base(self.root) + _base(holder)
        return {
            resource.get("identifier", ""): {
                "href": base + _base(resource) + resource.get("href", ""),
                "type": (_attribute(resource, "scormtype") or "asset").upper(),
            }
            for resource in _children(holder, "resource")
        }

    def _activity(self, item: ElementTree.Element) -> dict[str, Any]:
        reference = item.get("identifierref", "")
        resource = self.resources.get(reference)
        if reference and resource is None:
            self.warnings.append(f"The item {item.get('identifier')} names no known resource.")
        activity: dict[str, Any] = {
            "externalIdentifier": item.get("identifier", ""),
            "itemIdentifier": item.get("identifier", ""),
            "resourceIdentifier": reference,
            "activityType": resource["type"] if resource else "AGGREGATION",
            "href": resource["href"] + item.get("parameters", "") if resource else "",
            "title": _text(item, "title"),
        }
        if resource and resource["href"]:
            self.scos.append(activity)
        activity["children"] = [self._activity(child) for child in _children(item, "item")]
        return activity

    def _check_page(self, activity: dict[str, Any]) -> None:
        path = posixpath.normpath(unquote(activity["href"].partition("?")[0].partition("#")[0]))
        if path not in self.files:
            raise BadPackage(f"The page that the manifest opens is not in the zip: {path!r}.")


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in parent if _local(child) == name]


def _child(parent: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next(iter(_children(parent, name)), None)


def _text(parent: ElementTree.Element, name: str) -> str:
    element = _child(parent, name)
    return (element.text or "").strip() if element is not None else ""


def _attribute(element: ElementTree.Element, name: str) -> str:
    for key, value in element.attrib.items():
        if key.rpartition("}")[2].lower() == name:
            return value
    return ""


def _base(element: ElementTree.Element) -> str:
    return element.get("{http://www.w3.org/XML/1998/namespace}base", "")
