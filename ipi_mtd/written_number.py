"""Numbers as PLUMED's users write them: ``0.5``, ``1e-3``, ``-pi``, ``2pi``, ``pi/2``, ``(1+2)*3``.

PLUMED compares the periods in HILLS with those of its input by their text, so what a user wrote
has to be kept beside its value.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator
from typing import Self

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?P<of_pi>pi)?"
    r"|(?P<word>pi|sqrt|exp|log|sin|cos|tan)|(?P<sign>[-+*/^()]))\s*",
    re.ASCII | re.IGNORECASE,
)
_LONGEST = 200
"""Characters; more are no number that a person wrote."""

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}


class WrittenNumber(float):
    """A finite number that remembers how it was written.

    Parameters
    ----------
    text : such as ``2pi``

    Raises
    ------
    ValueError
        If it is no number, or not finite.
    """

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, _evaluate(text))
        number.text = "".join(text.split())
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        """For copies."""
        return (self.text,)


def _evaluate(text: str) -> float:
    try:
        value = _value(ast.parse(_as_python(text), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("must be a number such as 0.5, 2pi or -pi/2")
    return value


def _as_python(text: str) -> str:
    """The text in Python's words.

    ``2pi`` is a product wherever this has one meaning only, that is, not behind ``/`` or ``^``.
    """
    return " ".join(_words(text)) if len(text) <= _LONGEST else ""


def _words(text: str) -> Iterator[str]:
    at, before = 0, ""
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or (token["of_pi"] and before in ("/", "^")):
            raise ValueError(text)
        at, before = token.end(), token["sign"] or ""
        if token["number"]:
            yield repr(float(token["number"]))
            yield from ("*", "pi") if token["of_pi"] else ()
        else:
            yield {"^": "**"}.get(before, before) or token["word"].lower()


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=float() as number):
            return number
        case ast.Name(id="pi"):
            return math.pi
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=function), args=[argument]) if function != "pi":
            return float(getattr(math, function)(_value(argument)))
    raise ValueError(ast.unparse(node))
