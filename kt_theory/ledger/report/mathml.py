r"""Formulas as MathML, which browsers typeset without a script, a font or a network.

The formulas of `kt_theory.statements` use some fifty commands of LaTeX; this knows those and the Greek letters, so that
the page is the same wherever it is written, and needs no further package. A test converts every formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

#: Letters and signs by command: what a reader sees, and whether it is a letter or an operator.
LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "varphi": "ϕ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ", "infty": "∞",
    "emptyset": "∅", "top": "⊤",
}  # fmt: skip
SIGNS = {
    "le": "≤", "ge": "≥", "ne": "≠", "to": "→", "sim": "∼", "cdot": "·", "sum": "∑", "vert": "|", "mid": "∣", "gg": "≫",
    "ll": "≪", "in": "∈", "times": "×", "propto": "∝",
}  # fmt: skip
#: Functions, which stand upright with a little room behind them.
FUNCTIONS = ("log", "exp", "max", "min", "sup", "inf", "lim", "arg", "tanh")
#: What stands above its index on a line of its own, and before it within a line.
LARGE = ("sum", "max", "min", "sup", "inf", "lim")
#: Commands whose argument is words.
UPRIGHT = ("mathrm", "textsf", "text", "operatorname")
DOUBLE = {"E": "𝔼", "P": "ℙ", "R": "ℝ"}
ACCENTS = {"hat": "^", "widehat": "^"}
#: What has no look of its own here.
SILENT = ("textstyle", "left", "right", "displaystyle")
SPACES = {"\\,": "0.17em", "\\ ": "0.33em", "\\;": "0.28em", "~": "0.33em"}

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\.\.\.|>>|<<|\S")


def typeset(text: str) -> str:
    r"""Words with formulas between dollar signs as HTML.

    Raises
    ------
    ValueError
        If a formula has a command or a brace that is not understood.

    Examples
    --------
    >>> typeset(r"for $n \ge 10$")
    'for <math><mi>n</mi><mo>≥</mo><mn>10</mn></math>'
    """
    parts = re.split(r"\$([^$]*)\$", text)
    return "".join(formula(part) if i % 2 else escape(_words(part)) for i, part in enumerate(parts))


def formula(latex: str, *, block: bool = False) -> str:
    r"""One formula as MathML: within a line, or on a line of its own.

    Raises
    ------
    ValueError
        If it has a command or a brace that is not understood.

    Examples
    --------
    >>> formula(r"\max_s x", block=True)[:30]
    '<math display="block"><munder>'
    """
    row = _joined(_row(iter(_TOKEN.findall(latex)), None))
    return f'<math display="block">{row}</math>' if block else f"<math>{row}</math>"


def _words(text: str) -> str:
    """Words between formulas: a few commands and no mathematics."""
    text = re.sub(r"\\textsf\{([^{}]*)\}", r"\1", text)
    return re.sub(r"\\([_&%# ])", r"\1", text)


@dataclass
class _Atom:
    """An element with what stands below and above its line."""

    body: str
    number: bool = False
    below: str = ""
    above: str = ""
    #: Sums and limits, which have these below and above themselves on a line of their own.
    large: bool = False

    def __str__(self) -> str:
        body = f"<mn>{self.body}</mn>" if self.number else self.body
        parts = body + self.below + self.above
        if self.below and self.above:
            name = "munderover" if self.large else "msubsup"
        elif self.below:
            name = "munder" if self.large else "msub"
        elif self.above:
            name = "mover" if self.large else "msup"
        else:
            return body
        return f"<{name}>{parts}</{name}>"


def _joined(row: Iterable[_Atom]) -> str:
    return "".join(map(str, row))


def _row(tokens: Iterator[str], end: str | None) -> list[_Atom]:
    """What stands before the token that ends the row; before the end of the formula where that is None."""
    row: list[_Atom] = []
    for token in tokens:
        if token == end:
            return row
        if token == "}":
            raise ValueError("a formula closes a brace that it has not opened")
        if token in ("^", "_", "'"):
            row = row or [_Atom("<mrow></mrow>")]
            if token == "_":
                row[-1].below = _argument(tokens)
            else:
                row[-1].above += "<mo>′</mo>" if token == "'" else _argument(tokens)
        elif token.isdecimal():
            _count(row, token)
        elif token in ("-", "+") and (not row or row[-1].body in OPENING):
            row.append(_Atom(f'<mo form="prefix">{"−" if token == "-" else token}</mo>'))
        elif token.removeprefix("\\") not in SILENT:
            row.append(_Atom(_element(token, tokens), large=token.removeprefix("\\") in LARGE))
    if end is not None:
        raise ValueError("a formula opens a brace that it does not close")
    return row


def _count(row: list[_Atom], digit: str) -> None:
    """Append a digit, to the number that ends the row if there is one."""
    point = len(row) > 1 and row[-1] == _Atom(_sign(".")) and row[-2].number
    if point:
        row.pop()
        row[-1].body += "."
    if row and row[-1].number and not (row[-1].below or row[-1].above):
        row[-1].body += digit
    else:
        row.append(_Atom(digit, number=True))


def _argument(tokens: Iterator[str]) -> str:
    """One element: what stands in braces, or the next token."""
    for token in tokens:
        return f"<mn>{token}</mn>" if token.isdecimal() else _element(token, tokens)
    raise ValueError("a formula ends where an argument must follow")


def _element(token: str, tokens: Iterator[str]) -> str:
    name = token.removeprefix("\\")
    if token == "{":
        row = _row(tokens, "}")
        return str(row[0]) if len(row) == 1 else f"<mrow>{_joined(row)}</mrow>"
    if token in SPACES:
        return f'<mspace width="{SPACES[token]}"/>'
    if not token.startswith("\\") or name in ("{", "}", "_", "%", "&"):
        return f"<mi>{escape(name)}</mi>" if name.isalpha() else _sign(name)
    if name in LETTERS:
        return f"<mi>{LETTERS[name]}</mi>"
    if name in SIGNS:
        return _sign(SIGNS[name])
    if name in FUNCTIONS:
        limits = ' movablelimits="true"' if name in LARGE else ""
        return f'<mo lspace="0.1em" rspace="0.17em"{limits}>{name}</mo>'
    if name == "sqrt":
        return f"<msqrt>{_argument(tokens)}</msqrt>"
    if name in ("frac", "tfrac"):
        over = _argument(tokens)
        return f"<mfrac>{over}{_argument(tokens)}</mfrac>"
    if name in UPRIGHT:
        return f'<mi mathvariant="normal">{escape(_letters(tokens))}</mi>'
    if name == "mathbb":
        letter = _letters(tokens)
        return f"<mi>{DOUBLE.get(letter, letter)}</mi>"
    if name in ACCENTS:
        return f'<mover accent="true">{_argument(tokens)}<mo>{ACCENTS[name]}</mo></mover>'
    raise ValueError(f"a formula has the command {token}, which is not known here")


def _sign(sign: str) -> str:
    """An operator; a bar is no fence that grows with what follows."""
    sign = {"-": "−", "...": "…", ">>": "≫", "<<": "≪", "*": "∗", "|": "|"}.get(sign, sign)
    if sign in "|∣":
        return f'<mo stretchy="false" lspace="0.08em" rspace="0.08em">{sign}</mo>'
    if sign in "()[]{}":
        return f'<mo stretchy="false">{escape(sign)}</mo>'
    return '<mo lspace="0" rspace="0">/</mo>' if sign == "/" else f"<mo>{escape(sign)}</mo>"


#: After these a minus is a sign, and no difference.
OPENING = frozenset(_sign(sign) for sign in ("(", "[", "{", ",", "=", "≤", "≥", "<", ">", "→"))


def _letters(tokens: Iterator[str]) -> str:
    """Words in braces, as they stand; a blank is written as a command."""
    if next(tokens, None) != "{":
        raise ValueError("a formula sets words upright that are not in braces")
    words: list[str] = []
    for token in tokens:
        if token == "}":
            return "".join(words)
        words.append(" " if token in SPACES else token.removeprefix("\\"))
    raise ValueError("a formula opens a brace that it does not close")
