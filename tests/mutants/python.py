"""Small, harmful changes of Python code, made on its syntax tree.

Left as they are: types, decorators and `strict=` of zip (which mypy looks at, or which only turn an error of ours into
another), texts for people, and the order of the arguments of min and max (the same either way, but for NaN).
"""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from msgspec import Struct

Change = Callable[[], None]

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""The other side of a boundary, and the opposite."""
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
"""Functions that are taken for each other."""
WORD = re.compile(r"[A-Za-z_]\w*")
"""A text like this is a key or a choice; longer ones are for people, and no test should pin their every word."""


class Edit(Struct, frozen=True):
    """One change of a tree. `symbol` is the qualified name of the function or class around it, "" for the module."""

    symbol: str
    apply: Change


def edits(tree: ast.Module) -> list[Edit]:
    """Every change that can be made, in the order of the code. Each changes `tree` itself: parse anew for another."""
    return [Edit(symbol, change) for node, symbol in _nodes(tree, "") for change in _changes(node)]


def _nodes(node: ast.AST, symbol: str) -> Iterator[tuple[ast.AST, str]]:
    """The nodes with what they stand in; defaults and bases belong to what is outside."""
    yield node, symbol
    inner = symbol
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        inner = f"{symbol}.{node.name}" if symbol else node.name
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "format_spec", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left(child):
                yield from _nodes(child, inner if name == "body" and inner != symbol else symbol)


def _is_left(node: ast.AST) -> bool:
    """A docstring, a text that is put together, or `strict=`."""
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return True
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    yield _put(node.ops, place, other())
        case ast.BoolOp():
            yield _set(node, "op", ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        case ast.BinOp() | ast.AugAssign() if type(node.op) in ARITHMETIC:
            yield _set(node, "op", ARITHMETIC[type(node.op)]())
        case ast.Constant():
            if (value := _other(node.value)) is not None:
                yield _set(node, "value", value)
        case ast.If() | ast.While():
            yield _set(node, "test", _opposite(node.test))
        case ast.IfExp():
            yield _swap_fields(node, "body", "orelse")
        case ast.comprehension(ifs=[_, *_]):
            yield _set(node, "ifs", [])
        case ast.Return(value=ast.expr()) if not _is_none(node.value):
            yield _set(node, "value", ast.Constant(None))
        case ast.Call():
            yield from _call_changes(node)
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            for place, child in enumerate(value):
                if _can_be_dropped(child):
                    yield _put(value, place, ast.Pass())
                elif _has_sign(child):
                    yield _put(value, place, child.operand)
        elif _has_sign(value) and not isinstance(node, ast.If | ast.While):
            yield _set(node, name, value.operand)


def _call_changes(node: ast.Call) -> Iterator[Change]:
    function = node.func
    if isinstance(function, ast.Name) and function.id in NAMES:
        yield _set(function, "id", NAMES[function.id])
    if isinstance(function, ast.Attribute) and function.attr in NAMES:
        yield _set(function, "attr", NAMES[function.attr])
    one, other, *_ = (*node.args, None, None)
    same = isinstance(function, ast.Name) and function.id in {"min", "max"}
    starred = any(isinstance(side, ast.Starred) for side in (one, other))
    if one and other and not same and not starred and ast.dump(one) != ast.dump(other):
        yield _swap(node.args)
    named = [keyword for keyword in node.keywords if keyword.arg and keyword.arg != "strict"]
    for keyword, following in pairwise(named):
        if ast.dump(keyword.value) != ast.dump(following.value):
            yield _swap_values(keyword, following)
    for keyword in named:
        if isinstance(keyword.value, ast.Constant):  # left out: what the function takes by itself
            yield _remove(node.keywords, keyword)


def _can_be_dropped(node: object) -> bool:
    """What is done for its effect; an assignment to a name that is missing would be noticed by anything."""
    match node:
        case ast.Expr(value=ast.Call() | ast.Await()):
            return True
        case ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break() | ast.Raise():
            return True
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return True
    return False


def _other(value: object) -> object:
    """Another value for a constant, None for one that is left as it is."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() if WORD.fullmatch(value):
            return f"x{value}"
    return None


def _opposite(test: ast.expr) -> ast.expr:
    return (
        test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else ast.UnaryOp(ast.Not(), test)
    )


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _has_sign(node: object) -> bool:
    """A minus or a not, which may be left out."""
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not)


def _set(node: ast.AST, name: str, value: object) -> Change:
    return lambda: setattr(node, name, value)


def _put(items: list[Any], place: int, value: object) -> Change:
    return lambda: items.__setitem__(place, value)


def _remove(items: list[Any], item: object) -> Change:
    return lambda: items.remove(item)


def _swap(items: list[Any]) -> Change:
    return lambda: items.__setitem__(slice(0, 2), [items[1], items[0]])


def _swap_fields(node: ast.AST, one: str, other: str) -> Change:
    def change() -> None:
        first, second = getattr(node, one), getattr(node, other)
        setattr(node, one, second)
        setattr(node, other, first)

    return change


def _swap_values(one: ast.keyword, other: ast.keyword) -> Change:
    def change() -> None:
        one.value, other.value = other.value, one.value

    return change
