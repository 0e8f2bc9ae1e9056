"""CQL2 text as tokens, each with its place, and a reader that knows how to complain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from mapservice.layers.cql2.nodes import FilterError

TokenKind = Literal["word", "quoted name", "number", "text", "sign", "end"]

# Which characters a name starts with, as the standard lists them.
_START = (
    r"A-Za-z_:\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFE\u200C\u200D\u2070-\u218F"
    r"\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
_TOKENS = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<word>[{_START}][{_START}0-9.\u0300-\u036F\u203F\u2040]*)
  | (?P<name>"(?:[^"]|"")*")
  | (?P<text>'(?:[^'\\]|\\'|\\|'')*')
  | (?P<sign><>|<=|>=|[=<>()\[\],+\-*/%^])
    """,
    re.VERBOSE,
)
_SLIPS = {
    "!": "not equal is written <>",
    "&": "write AND",
    "|": "write OR",
    ";": "a filter is one condition; join several with AND",
    "'": "this text never ends: close it with '",
    '"': 'this name never ends: close it with "',
    "{": "CQL2 JSON needs filter-lang=cql2-json",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the filter: `text` is what it stands for, `shown` how it was written."""

    kind: TokenKind
    text: str
    shown: str
    place: int

    @property
    def at(self) -> str:
        return f"character {self.place + 1}"

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, in any case."""
        return self.kind == "word" and self.text.lower() in words

    def is_sign(self, *signs: str) -> bool:
        """Whether it is one of these signs."""
        return self.kind == "sign" and self.text in signs


def tokenize(source: str) -> list[Token]:
    """The tokens of a text, an `end` last; raises FilterError for what is none."""
    tokens = []
    place = 0
    while place < len(source):
        found = _TOKENS.match(source, place)
        if found is None:
            wrong = source[place]
            raise FilterError(f"character {place + 1}", f"{wrong!r} has no meaning here", _SLIPS.get(wrong))
        shown = found[0]
        match found.lastgroup:
            case "number":
                tokens.append(Token("number", shown, shown, place))
            case "word":
                tokens.append(Token("word", shown, shown, place))
            case "name":
                tokens.append(Token("quoted name", shown[1:-1].replace('""', '"'), shown, place))
            case "text":
                inner = re.sub(r"''|\\'", "'", shown[1:-1])
                tokens.append(Token("text", inner, shown, place))
            case "sign":
                tokens.append(Token("sign", shown, shown, place))
        place = found.end()
    tokens.append(Token("end", "", "the end", len(source)))
    return tokens


class Tokens:
    """The tokens of a filter, read from first to last."""

    def __init__(self, source: str) -> None:
        self._tokens = tokenize(source)
        self._next = 0

    @property
    def head(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._next]

    @property
    def after(self) -> Token:
        """The token after the next."""
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Go past the next token."""
        token = self.head
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def take_word(self, *words: str) -> Token | None:
        """Go past the next token if it is one of these words."""
        return self.take() if self.head.is_word(*words) else None

    def take_sign(self, *signs: str) -> Token | None:
        """Go past the next token if it is one of these signs."""
        return self.take() if self.head.is_sign(*signs) else None

    def need_sign(self, sign: str, expected: str | None = None) -> Token:
        """Go past this sign, or complain."""
        return self.take_sign(sign) or self.complain(expected or f"{sign!r}")

    def need_word(self, word: str) -> Token:
        """Go past this word, or complain."""
        return self.take_word(word) or self.complain(word.upper())

    def complain(self, expected: str, hint: str | None = None) -> NoReturn:
        """Say what was expected here and what is there instead."""
        head = self.head
        found = "the end" if head.kind == "end" else repr(head.shown[:40])
        raise FilterError(head.at, f"expected {expected}, found {found}", hint)
