"""CQL2 text to a syntax tree, by recursive descent.

No library: the well-known Rust one ends the whole process on deep nesting, turns whole numbers into
floating-point ones, and cannot say where a value is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

from mapservice.layers.cql2 import literals
from mapservice.layers.cql2.nodes import (
    ARITY,
    ARRAYS,
    BY_LOWER_CASE,
    COMPARISONS,
    FUNCTIONS,
    Array,
    Budget,
    Call,
    FilterError,
    Geometry,
    Instant,
    Interval,
    Literal,
    Node,
    PropertyRef,
    check_depth,
)
from mapservice.layers.cql2.tokens import Token, Tokens
from mapservice.layers.query import suggest

_KEYWORDS = ("and", "or", "not", "like", "between", "in", "is", "null", "div")
_VALUE = "a property, a value or '('"
_SLIPS = {
    "=": "equality is written with one =",
    ">": "not equal is written <>",
    "null": "ask for missing values with IS NULL",
    "ilike": "write CASEI(property) LIKE CASEI('…')",
}


def parse_text(source: str) -> Node:
    """The syntax tree of a filter in CQL2 text; raises FilterError."""
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: str) -> None:
        self.tokens = Tokens(source)
        self.budget = Budget()
        self.depth = 0

    def whole(self) -> Node:
        """The whole text as one condition."""
        if self.tokens.head.kind == "end":
            self.tokens.complain("a condition such as name = 'Anna'")
        node = self.condition()
        rest = self.tokens.head
        if rest.kind != "end":
            self.tokens.complain("AND, OR, a comparison or the end", _SLIPS.get(rest.text.lower()))
        return node

    def condition(self) -> Node:
        """Conditions joined by OR."""
        return self.joined("or", lambda: self.joined("and", self.negated))

    def joined(self, word: str, part: Callable[[], Node]) -> Node:
        """Parts joined by one word, as one node however many there are."""
        first = part()
        if not self.tokens.head.is_word(word):
            return first
        parts = [first]
        at = self.tokens.head.at
        while self.tokens.take_word(word):
            parts.append(part())
        return self.budget.call(word, tuple(parts), at)

    def negated(self) -> Node:
        """A condition after any number of NOTs."""
        nots: list[Token] = []
        while token := self.tokens.take_word("not"):
            nots.append(token)
        node = self.comparison()
        for token in reversed(nots):
            node = self.budget.call("not", (node,), token.at)
        return node

    def comparison(self) -> Node:
        """A value, compared or not."""
        left = self.sum()
        head = self.tokens.head
        if sign := self.tokens.take_sign(*COMPARISONS):
            if self.tokens.head.is_sign("=", ">") or self.tokens.head.is_word("null"):
                self.tokens.complain(_VALUE, _SLIPS[self.tokens.head.text.lower()])
            return self.budget.call(sign.text, (left, self.sum()), sign.at)
        if self.tokens.take_word("is"):
            negative = self.tokens.take_word("not")
            self.tokens.need_word("null")
            return self.maybe_not(negative, self.budget.call("isNull", (left,), head.at))
        negative = self.tokens.take_word("not")
        if self.tokens.take_word("like"):
            return self.maybe_not(negative, self.budget.call("like", (left, self.sum()), head.at))
        if self.tokens.take_word("between"):
            low = self.sum()
            self.tokens.need_word("and")
            return self.maybe_not(negative, self.budget.call("between", (left, low, self.sum()), head.at))
        if self.tokens.take_word("in"):
            if not self.tokens.head.is_sign("(", "["):
                self.tokens.complain("'(' and a list of values")
            return self.maybe_not(negative, self.budget.call("in", (left, self.array()), head.at))
        if negative:
            self.tokens.complain("LIKE, BETWEEN or IN")
        return left

    def maybe_not(self, negative: Token | None, node: Node) -> Node:
        """A node, or its opposite."""
        return self.budget.call("not", (node,), negative.at) if negative else node

    def sum(self) -> Node:
        """Terms with + and - between them."""
        node = self.product()
        while sign := self.tokens.take_sign("+", "-"):
            node = self.budget.call(sign.text, (node, self.product()), sign.at)
        return node

    def product(self) -> Node:
        """Factors with *, /, % and DIV between them."""
        node = self.power()
        while sign := self.tokens.take_sign("*", "/", "%") or self.tokens.take_word("div"):
            node = self.budget.call(sign.text.lower(), (node, self.power()), sign.at)
        return node

    def power(self) -> Node:
        """A value, raised to a power or not."""
        node = self.signed()
        if sign := self.tokens.take_sign("^"):
            return self.budget.call("^", (node, self.signed()), sign.at)
        return node

    def signed(self) -> Node:
        """A value with a sign, or without."""
        sign = self.tokens.take_sign("-", "+")
        node = self.value()
        if sign is None or sign.text == "+":
            return node
        if isinstance(node, Literal) and _is_number(node.value):
            return Literal(-node.value, node.at)
        return self.budget.call("*", (Literal(-1, sign.at), node), sign.at)

    def value(self) -> Node:
        """A literal, a property, a function, or something in parentheses."""
        token = self.tokens.head
        self.budget.spend(token.at)
        match token.kind:
            case "number":
                self.tokens.take()
                return Literal(literals.number(token.text, token.at), token.at)
            case "text":
                self.tokens.take()
                return Literal(literals.text(token.text, token.at), token.at)
            case "quoted name":
                self.tokens.take()
                return PropertyRef(token.text, token.at)
            case "word":
                return self.named(token)
        if token.is_sign("["):
            return self.array()
        if token.is_sign("("):
            return self.in_parentheses()
        self.tokens.complain(_VALUE)

    def in_parentheses(self) -> Node:
        """What stands in parentheses: a condition or value, or a list if there are several."""
        at = self.tokens.take().at
        if self.tokens.take_sign(")"):
            return Array((), at)
        self.enter(at)
        items = [self.condition()]
        while self.tokens.take_sign(","):
            items.append(self.condition())
        self.tokens.need_sign(")", "')', AND or OR" if len(items) == 1 else "',' or ')'")
        self.depth -= 1
        return items[0] if len(items) == 1 else Array(tuple(items), at)

    def array(self) -> Array:
        """A list of values, even of one or none."""
        opening = self.tokens.take()
        closing = ")" if opening.text == "(" else "]"
        self.enter(opening.at)
        items: list[Node] = []
        if not self.tokens.head.is_sign(closing):
            items.append(self.condition())
            while self.tokens.take_sign(","):
                items.append(self.condition())
        self.tokens.need_sign(closing, f"',' or {closing!r}")
        self.depth -= 1
        return Array(tuple(items), opening.at)

    def named(self, token: Token) -> Node:
        """What begins with a word."""
        word = token.text.lower()
        if word in ("true", "false"):
            self.tokens.take()
            return Literal(word == "true", token.at)
        if word in _KEYWORDS:
            self.tokens.complain(_VALUE, f'a property of this name is written "{token.text}"')
        kind = literals.KIND_BY_WORD.get(word.removesuffix("z"))
        if kind and (self.tokens.after.is_sign("(") or self.tokens.after.is_word("z", "m", "zm", "empty")):
            return self.geometry()
        if not self.tokens.after.is_sign("("):
            self.tokens.take()
            return PropertyRef(token.text, token.at)
        self.tokens.take()
        self.tokens.take()
        self.enter(token.at)
        match word:
            case "date" | "timestamp":
                node: Node = self.instant("date" if word == "date" else "date-time")
            case "interval":
                node = self.interval(token)
            case "bbox":
                node = literals.bbox(self.numbers(), token.at)
            case _:
                node = self.function(token)
        self.tokens.need_sign(")", "',' or ')'" if word == "bbox" else None)
        self.depth -= 1
        return node

    def function(self, token: Token) -> Call:
        """A function's arguments."""
        op = BY_LOWER_CASE.get(token.text.lower())
        if op not in FUNCTIONS:
            known = [name.upper() for name in FUNCTIONS]
            raise FilterError(
                token.at, f"there is no function {token.text[:40]!r}", suggest(token.text.upper(), known)
            )
        args: list[Node] = []
        if not self.tokens.head.is_sign(")"):
            args.append(self.argument(op))
            while self.tokens.take_sign(","):
                args.append(self.argument(op))
        if len(args) != ARITY[op]:
            wanted = ARITY[op]
            raise FilterError(
                token.at, f"{token.text} takes {wanted} argument{'s' * (wanted > 1)}, not {len(args)}"
            )
        return self.budget.call(op, tuple(args), token.at)

    def argument(self, op: str) -> Node:
        """One argument; for the functions on arrays, ('a') is an array of one."""
        return self.array() if op in ARRAYS and self.tokens.head.is_sign("(") else self.condition()

    def instant(self, kind: str) -> Instant:
        """The text in DATE() or TIMESTAMP()."""
        token = self.tokens.head
        if token.kind != "text":
            self.tokens.complain("a date or time in single quotes")
        self.tokens.take()
        return literals.instant(token.text, token.at, kind)

    def interval(self, token: Token) -> Interval:
        """The two ends in INTERVAL()."""
        start = self.end_of_interval()
        self.tokens.need_sign(",")
        return literals.interval(start, self.end_of_interval(), token.at)

    def end_of_interval(self) -> str | PropertyRef:
        """A date or timestamp in quotes, '..', or a property."""
        token = self.tokens.head
        if token.kind == "text":
            return self.tokens.take().text
        if token.kind in ("word", "quoted name") and not self.tokens.after.is_sign("("):
            self.tokens.take()
            return PropertyRef(token.text, token.at)
        self.tokens.complain("a date or time in single quotes, '..' or a property")

    def geometry(self) -> Geometry:
        """A geometry in well-known text."""
        word = self.tokens.take()
        kind = literals.KIND_BY_WORD[word.text.lower().removesuffix("z")]
        self.tokens.take_word("z")
        if self.tokens.head.is_word("empty"):
            raise FilterError(word.at, "an empty geometry is nowhere")
        if kind == "GeometryCollection":
            self.tokens.need_sign("(")
            self.enter(word.at)
            members = [self.member()]
            while self.tokens.take_sign(","):
                members.append(self.member())
            self.tokens.need_sign(")", "',' or ')'")
            self.depth -= 1
            return literals.collection(tuple(members), word.at)
        nesting = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2}
        if kind == "Point":
            self.tokens.need_sign("(")
            coordinates: object = self.position()
            self.tokens.need_sign(")", "another number or ')'")
        else:
            coordinates = self.positions(nesting.get(kind, 3))
        return literals.geometry(kind, coordinates, word.at)

    def member(self) -> Geometry:
        """A geometry inside a collection."""
        if self.tokens.head.text.lower().removesuffix("z") not in literals.KIND_BY_WORD:
            self.tokens.complain("a geometry such as POINT(…)")
        self.budget.spend(self.tokens.head.at)
        return self.geometry()

    def positions(self, nesting: int) -> list[object]:
        """Positions in parentheses, nested so many times."""
        if nesting == 0:
            # MULTIPOINT((1 2), (3 4)) has parentheses around its points that MULTIPOINT(1 2, 3 4) has not.
            bracket = self.tokens.take_sign("(")
            position: list[object] = [*self.position()]
            if bracket:
                self.tokens.need_sign(")")
            return position
        self.tokens.need_sign("(")
        found: list[object] = [self.positions(nesting - 1)]
        while self.tokens.take_sign(","):
            found.append(self.positions(nesting - 1))
        self.tokens.need_sign(")", "another number, ',' or ')'")
        return found

    def position(self) -> list[int | float]:
        """Two numbers, or three."""
        found = [self.plain_number(), self.plain_number()]
        if not self.tokens.head.is_sign(",", ")"):
            found.append(self.plain_number())
        return found

    def numbers(self) -> list[int | float]:
        """Numbers between commas."""
        found = [self.plain_number()]
        while self.tokens.take_sign(","):
            found.append(self.plain_number())
        return found

    def plain_number(self) -> int | float:
        """A number and nothing else."""
        sign = self.tokens.take_sign("-", "+")
        token = self.tokens.head
        if token.kind != "number":
            self.tokens.complain("a number")
        self.tokens.take()
        value = literals.number(token.text, token.at)
        return -value if sign and sign.text == "-" else value

    def enter(self, at: str) -> None:
        """Go one level deeper."""
        self.depth += 1
        check_depth(self.depth, at)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
