"""Plots by matplotlib, which nothing else imports; they draw on the axes they are given and show nothing."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Axes = Any
"""matplotlib.axes.Axes; its types are not loaded with the library."""

FOR, AGAINST, NEUTRAL = "#1e6ec8", "#d67814", "#6b6b66"
_LONGEST = 60


def new_axes(ax: Axes | None, width: float = 7.0, height: float = 4.0) -> Axes:
    """The axes that were given, or those of a new figure.

    Parameters
    ----------
    ax : Axes or None
    width, height : float
        Of a new figure, in inches.
    """
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def detached_axes(width: float = 7.0, height: float = 4.0) -> Axes:
    """Axes of a figure that is kept by nobody else, so that a report may hold many.

    Parameters
    ----------
    width, height : float
        In inches.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").subplots()


def bars(
    labels: Sequence[str],
    values: ArrayLike,
    *,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    xlabel: str = "",
    null: float | None = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Horizontal bars, the first on top, blue above the null and orange below.

    Parameters
    ----------
    labels : sequence of str, (n,)
    values : array-like (n,)
    low, high : array-like (n,), optional
        Ends of intervals, drawn as whiskers.
    xlabel : str
    null : float or None
        A line at what no effect would be, from which bars begin.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, height=0.9 + 0.32 * len(labels))
    shown, places = np.asarray(values, dtype=float), np.arange(len(labels))
    from_ = 0.0 if null is None else null
    colors = [FOR if value >= from_ else AGAINST for value in shown]
    ax.barh(places, shown - from_, left=from_, color=colors, height=0.7)
    if low is not None and high is not None:
        reach = np.clip([shown - np.asarray(low, float), np.asarray(high, float) - shown], 0, None)
        ax.errorbar(shown, places, xerr=reach, fmt="none", ecolor=NEUTRAL, capsize=2)
    if null is not None:
        ax.axvline(null, color=NEUTRAL, linewidth=1)
    ax.set_yticks(places, [short(label) for label in labels])
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def lines(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Curves over a common x, with bands around them.

    Parameters
    ----------
    x : array-like (n,)
    series : mapping of str to array-like (n,)
        The first is what is shown, the others are what it is held against, dashed.
    bands : mapping of str to (low, high), optional
    xlabel, ylabel : str
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax)
    for number, (name, y) in enumerate(series.items()):
        (line,) = ax.plot(x, y, linestyle="-" if number == 0 else "--", marker="o", markersize=3, label=name)
        if bands and name in bands:
            ax.fill_between(x, *bands[name], color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def svg(ax: Axes) -> bytes:
    """The figure of some axes as SVG: the same bytes for the same plot, letters as shapes."""
    from matplotlib import pyplot, rc_context

    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "interpllm", "svg.fonttype": "path"}):
        ax.get_figure().savefig(out, format="svg", metadata={"Date": None})
    # What is on a page is not to be shown by itself as well, nor kept open for ever.
    pyplot.close(ax.get_figure())
    return out.getvalue()


def short(label: str) -> str:
    """A label on one line; its dollars are no mathematics."""
    return textwrap.shorten(label, _LONGEST, placeholder=" ...").replace("$", r"\$")
