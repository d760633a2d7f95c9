"""The parameters of losses and channels: each is declared once, with its default, its domain and its meaning."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Generic, TypeVar, overload

import numpy as np

from kt_theory import checks

T = TypeVar("T")


class Parameter(Generic[T]):
    """A parameter that a class declares; an object of the class holds its value, which cannot be changed.

    Attributes
    ----------
    default : object
        What it is where none is given.
    meaning : str
        A few words.
    name : str
        The name of the attribute.
    """

    domain = ""

    def __init__(self, default: T, meaning: str) -> None:
        self.default, self.meaning, self.name = default, meaning, ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, holder: None, owner: type) -> Parameter[T]: ...
    @overload
    def __get__(self, holder: object, owner: type) -> T: ...
    def __get__(self, holder: object | None, owner: type) -> Any:
        return self if holder is None else holder.__dict__[self.name]

    def checked(self, value: Any, of: str) -> T:
        """`value` in the form that is kept; refuses one outside of the domain, naming `of`, which needs it."""
        raise NotImplementedError

    def read(self, text: str) -> Any:
        """What a word of the command line stands for, for `checked` to judge: numbers as numbers, all else as text."""
        parts = text.split(",")
        try:
            numbers = [float(part) for part in parts]
        except ValueError:
            return {"true": True, "false": False}.get(text.lower(), text)
        return numbers if len(numbers) > 1 else numbers[0]

    def refuse(self, value: Any, of: str) -> ValueError:
        return ValueError(f"{self.name} is {checks.shown(value)}: {of} needs {self.domain}")


class Number(Parameter[float]):
    """A finite number of an interval, written as in ``[0, 1)`` or ``(0, inf)``."""

    def __init__(self, default: float, meaning: str, interval: str = "(-inf, inf)") -> None:
        super().__init__(default, meaning)
        low, high = (float(end) for end in interval[1:-1].split(","))
        self.low, self.high, self.open = low, high, (interval[0] == "(", interval[-1] == ")")
        if (low, high) == (-math.inf, math.inf):
            self.domain = "a finite number"
        elif high == math.inf:
            self.domain = f"a number {'>' if self.open[0] else '>='} {low:g}"
        elif low == -math.inf:
            self.domain = f"a number {'<' if self.open[1] else '<='} {high:g}"
        else:
            self.domain = f"a number in {interval}"

    def checked(self, value: Any, of: str) -> float:
        try:
            given = checks.number(self.name, value)
        except ValueError:
            raise self.refuse(value, of) from None
        above = given > self.low if self.open[0] else given >= self.low
        below = given < self.high if self.open[1] else given <= self.high
        if not (above and below and math.isfinite(given)):
            raise self.refuse(value, of)
        return given


class Whole(Parameter[int]):
    """A whole number of at least `least`, and at most `most`."""

    def __init__(self, default: int, meaning: str, least: int, most: int | None = None) -> None:
        super().__init__(default, meaning)
        self.least, self.most = least, most
        self.domain = f"a whole number >= {least}" if most is None else f"a whole number from {least} to {most}"

    def checked(self, value: Any, of: str) -> int:
        try:
            given = checks.whole_number(self.name, value, minimum=self.least)
        except ValueError:
            raise self.refuse(value, of) from None
        if self.most is not None and given > self.most:
            raise self.refuse(value, of)
        return given


class Choice(Parameter[str]):
    """One of some words."""

    def __init__(self, default: str, meaning: str, *words: str) -> None:
        super().__init__(default, meaning)
        self.words = words
        self.domain = " or ".join(words)

    def checked(self, value: Any, of: str) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise self.refuse(value, of)
        return value


class Flag(Parameter[bool]):
    """True or False."""

    domain = "True or False"

    def checked(self, value: Any, of: str) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise self.refuse(value, of)
        return bool(value)


class Numbers(Parameter[tuple[float, ...]]):
    """Several finite numbers, at least one."""

    domain = "a list of finite numbers, at least one"

    def checked(self, value: Any, of: str) -> tuple[float, ...]:
        try:
            given = checks.array_of_floats(self.name, value, ndim=1)
        except ValueError:
            raise self.refuse(value, of) from None
        if given.size == 0 or not np.isfinite(given).all():
            raise self.refuse(value, of)
        return tuple(given.tolist())


class Law(Parameter[Any]):
    """A law of the labels: ``uniform``, ``sqrt`` (proportional to the root of the label's number), or numbers."""

    domain = "uniform, sqrt, or positive probabilities that sum to 1"

    def checked(self, value: Any, of: str) -> str | tuple[float, ...]:
        if isinstance(value, str):
            if value in ("uniform", "sqrt"):
                return value
            raise self.refuse(value, of)
        try:
            law = checks.law(self.name, value)
        except ValueError:
            raise self.refuse(value, of) from None
        if not (law > 0).all():
            raise self.refuse(value, of)
        return tuple(law.tolist())


def law_of(value: str | tuple[float, ...], A: int, of: str) -> np.ndarray:
    """The law that a `Law` holds, on A labels."""
    if isinstance(value, str):
        weights = np.ones(A) if value == "uniform" else np.sqrt(np.arange(1, A + 1))
        return weights / weights.sum()
    if len(value) != A:
        raise ValueError(f"ref of {of} has {len(value)} labels, and the teacher has {A}")
    return np.array(value)


def declared(cls: type) -> dict[str, Parameter[Any]]:
    """The parameters that a class and those that it inherits from declare, by name."""
    found: dict[str, Parameter[Any]] = {}
    for base in reversed(cls.__mro__):
        found |= {name: entry for name, entry in vars(base).items() if isinstance(entry, Parameter)}
    return found


class Declared:
    """What has declared parameters: validated when made, frozen, equal when class and parameters are."""

    id: ClassVar[str] = ""

    def __init__(self, **parameters: Any) -> None:
        known = declared(type(self))
        for name in parameters:
            if name not in known:
                has = f"its parameters are {', '.join(known)}" if known else "it has none"
                raise ValueError(f"{self.id} has no parameter {checks.shown(name)}: {has}")
        for name, parameter in known.items():
            value = parameters.get(name, parameter.default)
            self.__dict__[name] = parameter.checked(value, self.id)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self.id} is frozen: make another one")

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of its parameters, by name."""
        return {name: self.__dict__[name] for name in declared(type(self))}

    @property
    def name(self) -> str:
        """Its id and the parameters that are not at their defaults, such as ``kd_mix(T=2)``."""
        known = declared(type(self))
        given = [f"{k}={_plain(v)}" for k, v in self.parameters.items() if v != known[k].default]
        return f"{self.id}({', '.join(given)})" if given else self.id

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.items()))

    def __repr__(self) -> str:
        return self.name


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)
