"""What pydantic complains about, in the words of the file."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import ValidationError

from ipi_mtd.config.schema import RunConfig
from ipi_mtd.config.section import nested_sections


def explain(error: ValidationError, content: dict[str, Any]) -> str:
    """The first of pydantic's complaints, as one line in the words of the file."""
    # a misspelled key is also a missing one: say the former
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    keys, key = _locate(first["loc"], content, absent=first["type"] == "missing")
    found = first["input"]
    match first["type"]:
        case "extra_forbidden":
            known = [key for key in _known_keys(keys[:-1]) if key != keys[-1]]
            guess = difflib.get_close_matches(keys[-1], known, n=1)
            hint = f"; did you mean `{guess[0]}`?" if guess else ""
            return f"there is no key `{key}`{hint}"
        case "missing":
            return f"`{key}` is missing"
        case "union_tag_invalid":
            kinds = first["ctx"]["expected_tags"]
            return f"`{key}.kind` must be one of {kinds}, got '{first['ctx']['tag']}'"
        case "union_tag_not_found":
            return f"`{key}.kind` is missing"
        case "value_error":
            message = str(first["ctx"]["error"])
            return message if message.startswith("`") else f"`{key}`: {message}, got {found!r}"
    rule = first["msg"].removeprefix("Input should ").removeprefix("String should ")
    rule = rule.replace("valid dictionary", "table").partition(" or instance of ")[0]
    return f"`{key}` must {rule}, got {found!r}"


def _locate(
    location: tuple[int | str, ...], content: Any, *, absent: bool
) -> tuple[list[str], str]:
    """A place in the file, as a list of keys and as a user would write it.

    pydantic's own location also has names of classes and numbers that are not in the file.
    """
    keys: list[str] = []
    written = ""
    for part in location:
        if isinstance(part, str) and isinstance(content, dict) and part in content:
            keys.append(part)
            written += f".{part}"
            content = content[part]
        elif isinstance(part, int) and isinstance(content, list) and part < len(content):
            written += f"[{part + 1}]"
            content = content[part]
    if absent:
        keys.append(str(location[-1]))
        written += f".{location[-1]}"
    return keys, written.removeprefix(".")


def _known_keys(keys: list[str]) -> list[str]:
    """The keys that the table at this place has, in any of its forms."""
    sections: list[Any] = [RunConfig]
    for part in keys:
        found = [
            nested_sections(section, part) for section in sections if part in section.model_fields
        ]
        if found:
            sections = [section for some in found for section in some]
    return [key for section in sections for key in section.model_fields]
