"""Lifecycle rules of a bucket: which of its objects S3 will archive or delete by itself, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from lakeq.storage.classes import ARCHIVES

EXPIRE = "expire"
_MINIMUM_HEADER = "x-amz-transition-default-minimum-object-size"
_NO_SMALL_ONES = "all_storage_classes_128K"
_SMALL_BYTES = 128 * 1024
"""S3 moves no object below that to another class, where the bucket has the default of September 2024 on."""


@dataclass(frozen=True, slots=True)
class LifecycleStep:
    """What a rule does: `EXPIRE`, or an archive class to move to; so many `days` after an object was written,
    or from a `date` on. `least_bytes`: smaller objects are left alone."""

    action: str
    days: int | None
    date: dt.date | None
    least_bytes: int = 0

    def due(self, modified: dt.datetime) -> dt.date:
        """The day (UTC) at whose beginning S3 acts on an object that was written then.

        S3 adds the days to the time of writing and goes on to the next midnight (its user guide, "Lifecycle
        rules: Based on an object's age").
        """
        if self.date is not None:
            return self.date
        return modified.astimezone(dt.UTC).date() + dt.timedelta(days=(self.days or 0) + 1)


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """A rule that is in force, over the objects whose keys begin with `prefix`, whose size in bytes is more
    than `above` and less than `below`, and which have all `tags` (`name=value`; a listing tells none).

    `steps` are those that make objects unreadable; others (to classes that are read at once) are left out.
    """

    name: str
    prefix: str
    steps: tuple[LifecycleStep, ...]
    tags: tuple[str, ...] = ()
    above: int = -1
    below: int | None = None


def read_rules(root: ElementTree.Element, headers: Mapping[str, str]) -> tuple[LifecycleRule, ...]:
    """The rules in force of a LifecycleConfiguration without namespaces, and of the headers that came with
    it; those without a step are left out. ValueError for one that cannot be read."""
    has_minimum = headers.get(_MINIMUM_HEADER) == _NO_SMALL_ONES
    rules = (_read_rule(rule, has_minimum) for rule in root.iter("Rule"))
    return tuple(rule for rule in rules if rule is not None and rule.steps)


def _read_rule(rule: ElementTree.Element, has_minimum: bool) -> LifecycleRule | None:
    if rule.findtext("Status") != "Enabled":
        return None
    empty = ElementTree.Element("Filter")
    given = rule.find("Filter")
    scope = empty if given is None else given if given.find("And") is None else given.find("And")
    assert scope is not None
    tags = tuple(f"{tag.findtext('Key', '')}={tag.findtext('Value', '')}" for tag in scope.iter("Tag"))
    above, below = scope.findtext("ObjectSizeGreaterThan"), scope.findtext("ObjectSizeLessThan")
    is_sized = above is not None or below is not None
    least = _SMALL_BYTES if has_minimum and not is_sized else 0
    return LifecycleRule(
        name=rule.findtext("ID", ""),
        prefix=scope.findtext("Prefix") or rule.findtext("Prefix") or "",
        steps=_read_steps(rule, least),
        tags=tags,
        above=-1 if above is None else int(above),
        below=None if below is None else int(below),
    )


def _read_steps(rule: ElementTree.Element, least: int) -> tuple[LifecycleStep, ...]:
    steps = [
        LifecycleStep(kind, *_read_when(transition), least_bytes=least)
        for transition in rule.findall("Transition")
        if (kind := transition.findtext("StorageClass", "").strip()) in ARCHIVES
    ]
    for expiration in rule.findall("Expiration"):
        when = _read_when(expiration)
        if when != (None, None):  # else it is about delete markers only
            steps.append(LifecycleStep(EXPIRE, *when))
    return tuple(steps)


def _read_when(step: ElementTree.Element) -> tuple[int | None, dt.date | None]:
    days, date = step.findtext("Days"), step.findtext("Date")
    return None if days is None else int(days), None if date is None else dt.date.fromisoformat(date[:10])
