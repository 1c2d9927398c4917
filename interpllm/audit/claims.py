"""Claims about rows of a table, as plain data: what is compared, in which rows, and what is said of it.

Sentences are turned into these by a language model (:mod:`interpllm.audit.claim_reader`) or by whoever writes
them down; :func:`interpllm.audit.claim_checks.check_claims` computes whether they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interpllm.audit.claim_base import COMPARISONS, Claim, compared, joined, quantity
from interpllm.audit.where import Value, Where
from interpllm.errors import InputError

SCOPES = ("population", "rows")
STATISTICS = ("mean", "share", "median", "count", "largest", "smallest")
Conditions = tuple[Where, ...]


@dataclass(frozen=True, kw_only=True)
class DataClaim(Claim):
    """A claim about rows.

    Parameters
    ----------
    among : sequence of Where
        The rows that it is about: those for which all hold; all rows without any.
    scope : {"population", "rows"}
        "population": about what the rows are a sample of, so that an interval has to bear it out. "rows":
        about these very rows, so that their figure decides.
    sentence : str

    Raises
    ------
    InputError
        When a part cannot be used.
    """

    among: Conditions = ()
    scope: str = "population"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("scope", SCOPES)
        for name in ("among", "which", "group", "other"):
            conditions = getattr(self, name, ())
            if isinstance(conditions, list | tuple):  # of an extreme, the group is a value
                object.__setattr__(self, name, tuple(conditions))
                if not all(isinstance(one, Where) for one in conditions):
                    raise InputError(f"{name} of a claim of {self.kind} is a sequence of Where.")

    def _either(self, column: str | None, which: Conditions) -> None:
        if (column is None) == (not which):
            raise InputError(
                f"A claim of {self.kind} is about the numbers of a column, or about the share of rows for "
                "which conditions hold: give column or which, not both."
            )
        if column is not None:
            self._named("column")

    def _in(self) -> str:
        among = f" among rows where {joined(self.among)}" if self.among else ""
        return among + (", in these rows" if self.scope == "rows" else "")


@dataclass(frozen=True, kw_only=True)
class MeanDifference(DataClaim):
    """Mean of a column, or share of rows, in one group less that in another.

    Parameters
    ----------
    column : str or None
    which : sequence of Where
        Instead of a column: the share of rows for which these hold.
    group : sequence of Where
    other : sequence of Where
        Without any: all rows that are not of the group.
    relation : {"above", "at least", "below", "at most", "about"}
    value : float
        What the difference is compared with; 0 for "higher" (above) and "lower" (below).
    tolerance : float, optional
        For "about": how far off the difference may be; by default a tenth of the value, and of shares .05.
    among, scope, sentence
        As for `DataClaim`.
    """

    kind: ClassVar[str] = "mean difference"
    column: str | None = None
    which: Conditions = ()
    group: Conditions
    other: Conditions = ()
    relation: str = "above"
    value: float = 0.0
    tolerance: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._either(self.column, self.which)
        self._one_of("relation", COMPARISONS)
        self._compares(self.value, self.tolerance)
        if not self.group:
            raise InputError("A claim of mean difference needs a group: at least one condition.")

    def words(self) -> str:
        """What is checked, in words."""
        other = f"rows where {joined(self.other)}" if self.other else "all other rows"
        said = compared(self.relation, self.value, self.tolerance)
        what = f"the {quantity(self.column, self.which)}, of rows where {joined(self.group)}"
        return f"{what} less that of {other}, is {said}{self._in()}"


@dataclass(frozen=True, kw_only=True)
class Share(DataClaim):
    """The share of rows for which conditions hold is about a number.

    Parameters
    ----------
    which : sequence of Where
    value : float
        From 0 to 1.
    tolerance : float, optional
        How far off the share may be; by default .05.
    among, scope, sentence
        As for `DataClaim`.
    """

    kind: ClassVar[str] = "share"
    which: Conditions
    value: float
    tolerance: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._compares(self.value, self.tolerance)
        if not self.which or not 0 <= self.value <= 1:
            raise InputError("A claim of share needs at least one condition (which) and a value from 0 to 1.")

    def words(self) -> str:
        """What is checked, in words."""
        about = compared("about", self.value, self.tolerance)
        return f"the {quantity(None, self.which)} is {about}{self._in()}"


@dataclass(frozen=True, kw_only=True)
class Threshold(DataClaim):
    """A statistic of rows is on one side of a number, or about it.

    Parameters
    ----------
    statistic : {"mean", "share", "median", "count", "largest", "smallest"}
        "share" and "count" are of the rows for which `which` holds, the others of the numbers of `column`.
        The last three are told of the rows at hand only (``scope="rows"``).
    column : str or None
    which : sequence of Where
    relation : {"above", "at least", "below", "at most", "about"}
    value : float
    tolerance : float, optional
        As for `MeanDifference`.
    among, scope, sentence
        As for `DataClaim`.
    """

    kind: ClassVar[str] = "threshold"
    statistic: str = "mean"
    column: str | None = None
    which: Conditions = ()
    relation: str = "above"
    value: float
    tolerance: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("statistic", STATISTICS)
        self._one_of("relation", COMPARISONS)
        self._compares(self.value, self.tolerance)
        of_rows = self.statistic in ("share", "count")
        if of_rows and self.column is not None:
            raise InputError(f"A {self.statistic} is of rows: say of which, and leave the column out.")
        if self.statistic != "count" or self.which:
            self._either(self.column, self.which)
        if not of_rows and self.which:
            raise InputError(f"A {self.statistic} is of a column: rows are chosen by among, not by which.")

    def words(self) -> str:
        """What is checked, in words."""
        if self.statistic == "count":
            what = "the number of rows" + (f" where {joined(self.which)}" if self.which else "")
        elif self.statistic in ("mean", "share"):
            what = f"the {quantity(self.column, self.which)}"
        else:
            what = f"the {self.statistic} {self.column}"
        return f"{what} is {compared(self.relation, self.value, self.tolerance)}{self._in()}"


@dataclass(frozen=True, kw_only=True)
class Sign(DataClaim):
    """The correlation (Pearson's) of two columns of numbers is positive, or negative.

    Parameters
    ----------
    column, with_column : str
    direction : {"positive", "negative"}
    among, scope, sentence
        As for `DataClaim`.
    """

    kind: ClassVar[str] = "sign"
    column: str
    with_column: str
    direction: str = "positive"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._named("column", "with_column")
        self._one_of("direction", ("positive", "negative"))

    def words(self) -> str:
        """What is checked, in words."""
        return f"the correlation of {self.column} with {self.with_column} is {self.direction}{self._in()}"


@dataclass(frozen=True, kw_only=True)
class Extreme(DataClaim):
    """Of all values of a column, one has the largest or smallest mean, share, or number of rows.

    Parameters
    ----------
    by : str
        The column whose values make the groups: one that names rows makes each row a group.
    group : str, int, float or bool
        The value that is claimed to be the extreme one.
    direction : {"largest", "smallest"}
    column : str or None
        The mean of these numbers is compared.
    which : sequence of Where
        Instead: the share of rows for which these hold. With neither: the number of rows.
    among, scope, sentence
        As for `DataClaim`.
    """

    kind: ClassVar[str] = "extreme"
    by: str
    group: Value
    direction: str = "largest"
    column: str | None = None
    which: Conditions = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._named("by")
        self._one_of("direction", ("largest", "smallest"))
        if not isinstance(self.group, str | int | float):
            raise InputError(f"The group of a claim of extreme is one value, not {self.group!r:.80}.")
        if self.column is not None or self.which:
            self._either(self.column, self.which)

    def words(self) -> str:
        """What is checked, in words."""
        what = quantity(self.column, self.which)
        return f"of all values of {self.by}, {self.group!r} has the {self.direction} {what}{self._in()}"


@dataclass(frozen=True, kw_only=True)
class Monotone(DataClaim):
    """The larger a number, the larger (or smaller) the mean of a column, or the share of rows.

    Parameters
    ----------
    x : str
        Column of numbers.
    column : str or None
    which : sequence of Where
        Instead of a column: the share of rows for which these hold.
    direction : {"rising", "falling"}
    among, scope, sentence
        As for `DataClaim`.
    """

    kind: ClassVar[str] = "monotone"
    x: str
    column: str | None = None
    which: Conditions = ()
    direction: str = "rising"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._named("x")
        self._either(self.column, self.which)
        self._one_of("direction", ("rising", "falling"))

    def words(self) -> str:
        """What is checked, in words."""
        return (
            f"with larger {self.x}, the {quantity(self.column, self.which)} is {self.direction}{self._in()}"
        )
