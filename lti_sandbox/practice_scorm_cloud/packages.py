"""Parsing of a SCORM 1.2 or SCORM 2004 package by its manifest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from lti_sandbox.practice_scorm_cloud.manifest import leaves, read_activities
from lti_sandbox.practice_scorm_cloud.manifest_file import read_manifest
from lti_sandbox.practice_scorm_cloud.zips import BadPackage, normal_path

# What a `schemaversion` holds. A first or second edition says "CAM 1.3"; "2004" tells no edition.
EDITIONS = (
    (("1.2",), "SCORM12"),
    (("4th",), "SCORM20044THEDITION"),
    (("3rd",), "SCORM20043RDEDITION"),
    (("1.3", "2nd"), "SCORM20042NDEDITION"),
    (("2004",), "SCORM20043RDEDITION"),
)
MODERN_NAMESPACES = ("adlcp_v1p3", "imscp_v1p1", "imsss", "adlseq_v1p3", "adlnav_v1p3")


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
    return _Manifest(read_manifest(files), files).package()


def launch_href(href: str, parameters: str) -> str:
    """Join the address of a resource and the `parameters` of the item that opens it.

    They come with or without `?`, `&` and `#` (SCORM 2004 CAM, section 3.4.1.5). The query goes
    before a fragment, and a fragment of the resource's own is kept.
    """
    address, _, fragment = href.partition("#")
    place, mark, query = address.partition("?")
    added, _, added_fragment = parameters.lstrip("?&").partition("#")
    address = place.replace("\\", "/") + mark + query
    if added:
        address += ("&" if mark else "?") + added
    fragment = fragment or added_fragment
    return f"{address}#{fragment}" if fragment else address


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
        for words, name in EDITIONS:
            if any(word in version.lower() for word in words):
                return name
        if version:
            self.warnings.append(f"The schemaversion {version!r} is not known.")
        return "SCORM20043RDEDITION" if self._is_modern() else "SCORM12"

    def _is_modern(self) -> bool:
        """Tell by its namespaces whether a manifest is SCORM 2004's."""
        names = (name for element in self.root.iter() for name in (element.tag, *element.attrib))
        return any(namespace in name for name in names for namespace in MODERN_NAMESPACES)

    def _resources(self) -> dict[str, dict[str, str]]:
        holder = _child(self.root, "resources")
        if holder is None:
            return {}
        base = _base(self.root) + _base(holder)
        return {
            resource.get("identifier", ""): {
                "href": base + _base(resource) + href if (href := resource.get("href")) else "",
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
            "href": launch_href(resource["href"], item.get("parameters", "")) if resource else "",
            "title": _text(item, "title"),
        }
        if resource and resource["href"]:
            self.scos.append(activity)
        activity["children"] = [self._activity(child) for child in _children(item, "item")]
        return activity

    def _check_page(self, activity: dict[str, Any]) -> None:
        if re.match("[a-z]+://", activity["href"], re.I):
            raise BadPackage(f"The manifest opens a page of another site: {activity['href']}.")
        path = normal_path(unquote(re.split("[?#]", activity["href"])[0]))
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
