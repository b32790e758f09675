"""The kind of value that a key has, in the words of who writes it."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from ipi_mtd.config.section import Section
from ipi_mtd.config.values import OneOrMore, Words

_SIMPLE = {
    bool: Words("`true` or `false`", "times `true` or `false`"),
    float: Words("number", "numbers"),
    int: Words("whole number", "whole numbers"),
    str: Words("string", "strings"),
    Path: Words("path", "paths"),
}


def in_words(annotation: Any) -> str:
    """What an annotation of a field means, such as ``list of numbers above 0``."""
    return _words(annotation).one


def _words(annotation: Any) -> Words:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(*parts)
    if origin in (Union, types.UnionType):
        each = dict.fromkeys(in_words(part) for part in parts if part is not type(None))
        return _same(", or ".join(each))
    if origin is Literal:
        *others, last = (f"`{json.dumps(part)}`" for part in parts)
        return _same(" or ".join([", ".join(others), last]) if others else last)
    if origin is list:
        return _same(f"list of {_words(parts[0]).several}")
    if origin is tuple:
        return _same(f"list of {len(parts)} {_words(parts[0]).several}")
    if origin is dict:
        return _same("table" if parts[1] is Any else f"table of {_words(parts[1]).several}")
    if inspect.isclass(annotation) and issubclass(annotation, Section):
        return _same("table, see below")
    return _SIMPLE[annotation]


def _annotated(kind: Any, *metadata: Any) -> Words:
    if OneOrMore in metadata:
        (item,) = get_args(kind)
        return _same(f"{in_words(item)}, or a list of these")
    words = next((item for item in metadata if isinstance(item, Words)), None) or _words(kind)
    rule = " and ".join(_rules(metadata))
    if not rule:
        return words
    between = ", " if "such as" in words.one else " "
    return Words(f"{words.one}{between}{rule}", f"{words.several}{between}{rule}")


def _rules(metadata: Sequence[Any]) -> Iterator[str]:
    for item in metadata:
        match item:
            case FieldInfo():
                yield from _rules(item.metadata)
            case annotated_types.Gt(gt=bound):
                yield f"above {bound}"
            case annotated_types.Ge(ge=bound):
                yield f"from {bound} up"
            case annotated_types.Lt(lt=bound):
                yield f"below {bound}"


def _same(text: str) -> Words:
    return Words(text, text)
