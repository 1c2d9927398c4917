"""Teachers for the table, which read what a sum of n-grams cannot: word order, a negation far away.

`Probe` is a linear probe on an LLM's states of whole texts. Its probabilities of a row come from a probe that
was fitted on other rows, so that a student who learns from them is not handed the row's label twice. `Tuned`
is a local encoder fine-tuned on rows; it knows their labels by heart, so it answers variants of the texts,
too. Singh et al. 2023 fit on labels alone; a teacher is knowledge distillation (Hinton et al. 2015).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold

from interpllm import llm
from interpllm.llm.finetuning import BATCH_SIZE, EPOCHS, MAX_STEPS
from interpllm.propose.variants import variants

Array = NDArray[np.float64]
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
PARTS = 4
VARIANTS = 30_000
"""About how many variants a fine-tuned teacher answers in all, ..."""
MOST_PER_TEXT = 12
"""... and at most of one text."""
TRUST = 20.0
"""Size of a zero-shot answer beside a dimension of the state: hundreds of those share what they say."""
_STEP = 3
"""A step forward and back takes about as long as reading the texts so many times."""
SOFTENING = 6.0
"""A fine-tuned teacher's log-odds are divided by this: its probabilities alone would be nearly labels."""


class Probe:
    """Cross-fitted linear probe.

    Parameters
    ----------
    states : array (n_rows, n_dims)
        The LLM's state of each text.
    y : array (n_rows,)
        Positions of classes, or values.
    weight : array (n_rows,)
    groups : array of int (n_rows,)
        Rows of one group are near-duplicates and never teach about each other.
    n_classes : int
        0 for regression.
    said : array (n_rows, n_names), optional
        What the LLM says of the texts before it has seen a label, from :func:`zero_shot`.
    """

    def __init__(
        self,
        states: NDArray[np.float32],
        y: NDArray[Any],
        weight: Array,
        groups: NDArray[np.intp],
        n_classes: int,
        said: Array | None = None,
    ) -> None:
        self.states, self.said = states, said
        self.y, self.weight, self.groups = y, weight, groups
        self.n_classes = n_classes
        self._strength: float | None = None

    def soft(self, rows: NDArray[np.intp]) -> Array:
        """Probabilities (n_rows, n_outputs) of rows, each from a probe fitted on others of them.

        One output is the probability of the second class; regression: the predicted value. The penalty's
        strength is chosen by the loss of these very predictions the first time, and kept.
        """
        candidates = STRENGTHS if self._strength is None else (self._strength,)
        predicted = {C: self._cross_fitted(rows, C) for C in candidates}
        self._strength = min(predicted, key=lambda C: self._total_loss(rows, predicted[C]))
        soft = predicted[self._strength]
        return soft[:, 1:] if self.n_classes == 2 else soft

    def answer(self, rows: NDArray[np.intp], states: NDArray[np.float32], said: Array | None = None) -> Array:
        """Probabilities (n, n_outputs) of texts without labels, by a probe on the rows."""
        if self._strength is None:
            self.soft(rows)
        assert self._strength is not None
        soft = self._predict(rows, states, said, self._strength, self._prior(rows))
        return soft[:, 1:] if self.n_classes == 2 else soft

    def _cross_fitted(self, rows: NDArray[np.intp], C: float) -> Array:
        outputs = max(self.n_classes, 1)
        soft = np.empty((len(rows), outputs))
        groups = self.groups[rows]
        parts = min(PARTS, len(np.unique(groups)))
        prior = self._prior(rows)
        if parts < 2:
            return np.tile(prior, (len(rows), 1))
        for train, judge in GroupKFold(parts).split(rows, groups=groups):
            new = rows[judge]
            said = None if self.said is None else self.said[new]
            soft[judge] = self._predict(rows[train], self.states[new], said, C, prior)
        return soft

    def _predict(
        self,
        train: NDArray[np.intp],
        states: NDArray[np.float32],
        said: Array | None,
        C: float,
        prior: Array,
    ) -> Array:
        seen, new = _standard(self.states[train], states)
        if self.said is not None and said is not None:
            seen_said, new_said = _standard(self.said[train], said)
            seen, new = np.hstack([seen, TRUST * seen_said]), np.hstack([new, TRUST * new_said])
        y, weight = self.y[train], self.weight[train]
        if not self.n_classes:
            return Ridge(alpha=1 / (2 * C)).fit(seen, y, sample_weight=weight).predict(new)[:, None]
        present = np.unique(y)
        if len(present) < 2:
            return np.tile(prior, (len(states), 1))
        model = LogisticRegression(C=C, max_iter=300, tol=1e-3).fit(seen, y, sample_weight=weight)
        soft = np.zeros((len(states), self.n_classes))
        soft[:, present.astype(int)] = model.predict_proba(new)
        return soft

    def _prior(self, rows: NDArray[np.intp]) -> Array:
        weight = self.weight[rows]
        if not self.n_classes:
            return np.array([weight @ self.y[rows] / weight.sum()])
        counts = np.bincount(self.y[rows].astype(int), weights=weight, minlength=self.n_classes)
        return counts / counts.sum()

    def loss(self, rows: NDArray[np.intp]) -> float:
        """Mean loss of the cross-fitted predictions of rows."""
        soft = self.soft(rows)
        full = np.hstack([1 - soft, soft]) if self.n_classes == 2 else soft
        return self._total_loss(rows, full) / float(self.weight[rows].sum())

    def _total_loss(self, rows: NDArray[np.intp], soft: Array) -> float:
        weight = self.weight[rows]
        if not self.n_classes:
            return float(weight @ (soft[:, 0] - self.y[rows]) ** 2)
        right = soft[np.arange(len(rows)), self.y[rows].astype(int)]
        return float(-weight @ np.log(np.clip(right, 1e-12, None)))


def _standard(seen: NDArray[Any], new: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Columns of both in standard units of the first."""
    center, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-6
    return (seen - center) / spread, (new - center) / spread


class Tuned:
    """A local encoder fine-tuned on the rows, that answers variants of their texts and embeds n-grams.

    Parameters
    ----------
    encoder : Session
        With a local model that can be fine-tuned.
    texts : list of str, (n_rows,)
    labels : list
        Class names or values, as they are told to the encoder.
    weight : array (n_rows,)
    groups : array of int (n_rows,)
        Near-duplicates.
    taught : array of int (n_taught,)
        Positions of the rows that the encoder may learn from and see variants of, sorted.
    names : list of str
        Names of the classes in the order of the outputs; empty for regression.
    random_state : int
        Seed of the training and of the variants.
    verbose : int
        1 shows progress bars.
    """

    def __init__(
        self,
        encoder: llm.Session,
        texts: list[str],
        labels: list[Any],
        weight: Array,
        groups: NDArray[np.intp],
        taught: NDArray[np.intp],
        names: list[str],
        random_state: int = 0,
        verbose: int = 0,
    ) -> None:
        self.encoder, self.texts, self.labels, self.weight = encoder, texts, labels, weight
        self.groups, self.taught = groups, taught
        self.names, self.random_state, self.verbose = names, random_state, verbose
        self._sessions: dict[bytes, llm.Session] = {}

    def learned(self, rows: NDArray[np.intp]) -> llm.Session:
        """The encoder fine-tuned on some rows; asked again for the same rows, the same one."""
        rows = np.intersect1d(rows, self.taught)
        name = rows.tobytes()
        if name not in self._sessions:
            self._sessions[name] = llm.finetune(
                self.encoder,
                [self.texts[row] for row in rows],
                [self.labels[row] for row in rows],
                task="classification" if self.names else "regression",
                sample_weight=self.weight[rows],
                random_state=self.random_state,
                verbose=self.verbose,
            )
        return self._sessions[name]

    def soft(self, rows: NDArray[np.intp], texts: list[str]) -> Array:
        """Softened probabilities (regression: values) of texts, by the encoder that learned from the rows."""
        session = self.learned(rows)
        if not self.names:
            return np.asarray(session.score(texts, ["value"]), dtype=np.float64)
        soft = softmax(session.score(texts, self.names) / SOFTENING, axis=1)
        return soft[:, 1:] if len(self.names) == 2 else soft

    def variants(self, rows: NDArray[np.intp]) -> tuple[list[str], NDArray[np.intp]]:
        """The texts without labels that a student of these rows learns from, and their groups."""
        rows = np.intersect1d(rows, self.taught)
        per_text = variants_per_text(len(rows))
        made = variants([self.texts[row] for row in rows], per_text, self.random_state)
        return made, np.repeat(self.groups[rows], per_text)


def variants_per_text(n_rows: int) -> int:
    """How many variants of each of so many texts are answered."""
    return int(np.clip(VARIANTS // n_rows, 1, MOST_PER_TEXT))


def texts_read(n_rows: int, n_ngrams: int) -> int:
    """About how many texts an encoder reads to learn from rows, to answer variants and to embed n-grams."""
    steps = MAX_STEPS * BATCH_SIZE
    learned = min(EPOCHS * n_rows, steps)
    return int(_STEP * learned) + n_rows * (1 + variants_per_text(n_rows)) + n_ngrams
