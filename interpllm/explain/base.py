"""What every explanation can do: give its figures as a table, draw them, show itself and be kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interpllm.display import Block, as_json, fragment, page
from interpllm.runtime.ledger import printable

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.display.axes import Axes


class Explanation(ABC):
    """Base of all explanations.

    :meth:`frame` is the truth; the plot, the page and the printed lines show parts of it.
    """

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """The figures, one thing a row and one figure a column."""

    @abstractmethod
    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the figures on axes, or on new ones; nothing is shown by it.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
        """

    @abstractmethod
    def blocks(self) -> Sequence[Block]:
        """What a page shows of it."""

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data. The same replies give the same data, whoever sent for them, and when."""

    @property
    def title(self) -> str:
        """What a page is headed by: the first line of the class's documentation, without its full stop."""
        return (type(self).__doc__ or type(self).__name__).strip().splitlines()[0].rstrip(".")

    def to_json(self, indent: int | None = None) -> str:
        """All of it as JSON.

        Parameters
        ----------
        indent : int, optional

        Returns
        -------
        str
            Figures that there are not, NaN, are null. The same replies give the same bytes.
        """
        return as_json(self.as_dict(), indent)

    def to_html(self) -> str:
        """A whole page, self-contained, to be kept as a file."""
        return page(self.title, self.blocks())

    def _repr_html_(self) -> str:
        return fragment(self.title, self.blocks())

    def __str__(self) -> str:
        return f"{self.title}\n{printable(self.frame().to_string(index=False))}"

    def __repr__(self) -> str:
        return str(self)
