"""Judge a model and each question on rows that had no part in choosing or fitting either."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import DegenerateDataWarning, bootstrap, false_discovery_control, permutation_test

from interpllm.errors import InputError
from interpllm.select.sparse import Array, Loss
from interpllm.select.weighing import column_means, refit, residuals, targets_of

Metric = Literal["accuracy", "r2"] | Callable[[NDArray[Any], NDArray[Any]], float]

FIRST_DRAWS = 199
CLEARLY_NOT = 0.2
"""A question with a larger p after the first draws is given no more of them."""


def compare(
    y: ArrayLike,
    predicted: ArrayLike,
    baselines: Mapping[str, ArrayLike] | None = None,
    *,
    seen: ArrayLike | None = None,
    metric: Metric = "accuracy",
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    random_state: int | None = None,
) -> pd.DataFrame:
    """Score a model and its baselines on the same rows, with bootstrap intervals.

    Parameters
    ----------
    y : array-like (n_rows,)
        Labels or values of the confirming rows.
    predicted : array-like (n_rows,)
        The model's predictions of them.
    baselines : mapping of str to array-like (n_rows,), optional
        Other models' predictions of the same rows.
    seen : array-like, optional
        Labels or values of the rows that were learned from; adds the baseline "majority" (their most frequent
        label, or their mean).
    metric : {"accuracy", "r2"} or callable
        A callable takes true and predicted values and gives a number that is better when larger.
    groups : array-like (n_rows,), optional
        Rows that are drawn together, such as near-duplicates: they are not as good as independent rows.
    confidence : float
    n_resamples : int
    random_state : int, optional

    Returns
    -------
    DataFrame
        A row for "model" and each baseline: ``score``, ``low`` and ``high`` (percentile interval), how much
        better the model is (``gain``, ``gain_low``, ``gain_high``, from the same draws) and ``n_rows``.

    Raises
    ------
    InputError
        If there is no row, or lengths differ.
    """
    true = np.asarray(y)
    said = {"model": np.asarray(predicted)}
    if seen is not None:
        said["majority"] = np.full(len(true), _constant(np.asarray(seen), metric))
    said |= {name: np.asarray(given) for name, given in (baselines or {}).items()}
    for name, given in said.items():
        if not len(true) or given.shape != true.shape:
            raise InputError(
                f'The predictions of "{name}" have the shape {given.shape}, the labels {true.shape}: '
                "give one prediction for each confirming row, and at least one row."
            )
    together = (
        np.arange(len(true)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    )
    members = [np.flatnonzero(together == group) for group in range(int(together.max()) + 1)]
    measure = _accuracy if metric == "accuracy" else _r2 if metric == "r2" else metric

    def scores(rows: NDArray[np.intp]) -> list[float]:
        return [measure(true[rows], given[rows]) for given in said.values()]

    def drawn(drawn_groups: NDArray[np.intp]) -> NDArray[np.float64]:
        found = scores(np.concatenate([members[group] for group in drawn_groups]))
        return np.array([*found, *(found[0] - other for other in found)])

    here = scores(np.arange(len(true)))
    if len(members) < 2:
        low = high = np.full(2 * len(here), np.nan)
    else:
        with warnings.catch_warnings():
            # Of few rows some draws have one value only, for which no R squared is defined: no interval then.
            warnings.simplefilter("ignore", DegenerateDataWarning)
            interval = bootstrap(
                (np.arange(len(members)),),
                drawn,
                n_resamples=n_resamples,
                vectorized=False,
                confidence_level=confidence,
                method="percentile",
                random_state=np.random.default_rng(0 if random_state is None else random_state),
            ).confidence_interval
        low, high = interval.low, interval.high
    k = len(here)
    return pd.DataFrame(
        {
            "score": here,
            "low": low[:k],
            "high": high[:k],
            "gain": [here[0] - other for other in here],
            "gain_low": low[k:],
            "gain_high": high[k:],
            "n_rows": len(true),
        },
        index=pd.Index(list(said), name="model"),
    )


def question_effects(
    values: ArrayLike,
    y: ArrayLike,
    chosen: ArrayLike,
    *,
    loss: Loss,
    n_untold: int = 0,
    n_resamples: int = 9999,
    random_state: int | None = None,
) -> pd.DataFrame:
    """Test each candidate on confirming rows: does it tell of the label what the chosen others do not?

    The model of the chosen questions (without the one in hand) is fitted anew to the confirming rows; what it
    leaves over of the label is multiplied by what they leave over of the question's answers. The studentised
    sum is the generalised covariance measure of Shah and Peters (Annals of Statistics 2020); its
    distribution without an effect comes from permuting the answers that are left over, studentised anew each
    time (DiCiccio and Romano, JASA 2017). With several classes the largest of their statistics counts. No
    language model is asked.

    Parameters
    ----------
    values : array-like (n_rows, n_candidates)
        Answers to **all** candidates that were ever tried, so that the false discovery rate is that of all.
    y : array-like (n_rows,)
        Labels or values of the confirming rows.
    chosen : array-like of int
        Columns of the questions that have a weight.
    loss : {"logistic", "multinomial", "squared"}
    n_untold : int
        How many more candidates were tried whose answers are not at hand; they count with p = 1.
    n_resamples : int
        Permutations of a question whose p is not clearly large after the first 199.
    random_state : int, optional

    Returns
    -------
    DataFrame
        One row a candidate: ``chosen``; ``n_yes`` and ``n_no`` (answers above one half and not);
        ``output``, the class (or "value") that the question tells most of, and ``effect``, the share of that
        class among rows with yes less that among rows with no (for values: the difference of means);
        ``p_value``; ``q_value``, adjusted by Benjamini and Hochberg over all candidates. NaN where answers do
        not vary.

    Raises
    ------
    InputError
        If labels are all one, or shapes do not match.
    """
    answers = np.asarray(values, dtype=np.float64)
    targets, classes = targets_of(y, loss)
    if answers.ndim != 2 or len(answers) != len(targets):
        raise InputError(
            f"Answers of the shape {answers.shape} do not go with {len(targets)} labels: one row for each."
        )
    sides = targets if loss != "logistic" else np.column_stack([1 - targets[:, 0], targets[:, 0]])
    names = ["value"] if classes is None else [str(label) for label in classes.tolist()]
    filled = np.where(np.isnan(answers), column_means(answers), answers)
    random = np.random.default_rng(0 if random_state is None else random_state)
    model = [int(column) for column in np.asarray(chosen, dtype=np.intp)]
    over_all = _left_over(answers, y, model, targets, loss)
    table = []
    for column in range(answers.shape[1]):
        others = [other for other in model if other != column]
        left = over_all if column not in model else _left_over(answers, y, others, targets, loss)
        given = answers[:, column]
        yes, no = given > 0.5, given <= 0.5
        effect, output = np.nan, None
        if yes.any() and no.any():
            differences = sides[yes].mean(axis=0) - sides[no].mean(axis=0)
            # Of two classes the second is told of, as its log-odds are what weights are about.
            largest = 1 if loss == "logistic" else int(np.abs(differences).argmax())
            effect, output = float(differences[largest]), names[largest]
        table.append(
            {
                "chosen": column in model,
                "n_yes": int(yes.sum()),
                "n_no": int(no.sum()),
                "output": output,
                "effect": effect,
                "p_value": _permuted(_unexplained(filled, column, others), left, n_resamples, random),
            }
        )
    frame = pd.DataFrame(table)
    # What has no p cannot be a discovery, yet it was tried.
    p = np.concatenate([frame["p_value"].fillna(1.0).to_numpy(), np.ones(n_untold)])
    adjusted = false_discovery_control(p)[: len(frame)] if len(frame) else p
    frame["q_value"] = np.where(frame["p_value"].isna(), np.nan, adjusted)
    return frame


def _left_over(answers: Array, y: ArrayLike, columns: list[int], targets: Array, loss: Loss) -> Array:
    """What a model of some questions leaves over of the targets, (n_rows, n_outputs).

    A fit leaves less over than the truth would; the factor makes up for the degrees of freedom it took.
    """
    fitted = refit(answers, y, columns, loss=loss)
    n = len(targets)
    free = max(n - 1 - len(columns), 1)
    return residuals(fitted.scores(answers), targets, loss) * np.sqrt(n / free)


def _unexplained(filled: Array, column: int, others: list[int]) -> Array:
    """What a linear model of other questions leaves over of the answers to one, (n_rows,)."""
    design = np.column_stack([np.ones(len(filled)), filled[:, others]])
    coefficients = np.linalg.lstsq(design, filled[:, column], rcond=None)[0]
    return np.asarray(filled[:, column] - design @ coefficients)


def _permuted(answers: Array, left: Array, n_resamples: int, random: np.random.Generator) -> float:
    """p of the largest studentised product sum of answers and what is left over of the targets."""
    if answers.std() < 1e-9:
        return float("nan")

    def statistic(permuted: Array, axis: int = -1) -> Array:
        moved = np.moveaxis(permuted, axis, -1)
        total = moved @ left
        return np.asarray((np.abs(total) / np.sqrt(moved**2 @ left**2 + 1e-300)).max(axis=-1))

    p = 0.0
    for draws in (min(FIRST_DRAWS, n_resamples), n_resamples):
        p = permutation_test(
            (answers,),
            statistic,
            permutation_type="pairings",
            vectorized=True,
            n_resamples=draws,
            batch=1000,
            alternative="greater",
            random_state=random,
        ).pvalue
        if p > CLEARLY_NOT or draws == n_resamples:
            break
    return float(p)


def _constant(seen: NDArray[Any], metric: Metric) -> Any:
    """The best constant prediction: the mean for the squared error, else the most frequent label."""
    if metric == "r2" or seen.dtype.kind == "f":
        return seen.mean()
    labels, counts = np.unique(seen, return_counts=True)
    return labels[counts.argmax()]


def _accuracy(true: NDArray[Any], predicted: NDArray[Any]) -> float:
    return float((true == predicted).mean())


def _r2(true: NDArray[Any], predicted: NDArray[Any]) -> float:
    spread = float(((true - true.mean()) ** 2).sum())
    return 1 - float(((true - predicted) ** 2).sum()) / spread if spread else float("nan")
