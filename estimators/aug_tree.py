"""Aug-Tree: trees whose nodes ask whether a text mentions any of a lexicon."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.class_weight import compute_sample_weight

from interpllm.estimators.aug_tree_recipe import LLM, AugTreeRecipe
from interpllm.estimators.base import TextClassifierMixin, TextRegressorMixin


class AugTreeClassifier(TextClassifierMixin, AugTreeRecipe, BaseEstimator):
    """A tree, or a forest, whose nodes ask whether a text mentions any of a lexicon of phrases.

    The phrases of a lexicon are those that speak most for one class among the rows at the node, by weights
    that shrink to a ridge over n-grams and, with a language model, over its vectors of them; how many there
    are is what lowers the impurity of rows held back most. The lexicon is then widened by phrases that the
    language model writes for its keywords, and by those nearest in the space of its vectors; such a phrase is
    kept only if it lowers the impurity of the rows held back. No language model is asked at predict.

    Parameters
    ----------
    llm : str, Session, LanguageModel or None
        What `interpllm.connect` takes ("local", "minilm", "hf:...", an address), a session, or any object
        with the protocol. Vectors are used of a model that embeds, phrases of one that completes; the
        embedded model ("local") writes too poorly and gives vectors only. None: the rows' own n-grams.
    task : str or None
        What the labels mean, in a few words; put before the language model.
    n_trees : int
        Trees whose leaves are averaged; each sees a draw of the rows with replacement, and at each node half
        of the words. One tree sees all rows and all words.
    max_depth, max_leaf_nodes : int or None
        Of a tree; None is no limit. Trees grow best split first.
    min_samples_leaf : int or float
        Rows, held back and seen, on each side of a split at least, or their share of the rows.
    max_phrases : int or None
        Phrases of a lexicon at most.
    ccp_alpha : float
        Splits are taken back that lower the impurity (Gini; of rows held back) by less than this a leaf.
    ngram_range : (int, int)
        Smallest and largest number of words of a phrase.
    class_weight : "balanced", dict of label to weight, or None
        As in scikit-learn.
    random_state : int or None
        Seed of parts and draws. None is 0: a fit is always reproducible.
    n_jobs : int or None
        Trees grown at the same time, in threads; None is 1.
    cache : path or None
        Folder of stored replies; None is the user's cache folder.
    verbose : int
        1 shows progress bars on standard error.

    Attributes
    ----------
    model_ : interpllm.runtime.TreeModel
        The trees, which all verbs read. A node's value is the share of each class among the rows that came
        to it held back, that is by lexicons learned without them; its number of rows counts those that come
        to it as new texts would.
    classes_ : array (n_classes,)
    report_ : dict
        ``n_leaves``, ``depth`` and ``held_back_score`` by tree; ``lexicons``: size, strongest phrases, and
        which phrases came from whom; ``keywords``: what became of what the language model wrote;
        ``widened``, ``refused``, ``templates``, ``usage``.
    n_features_in_ : int
    feature_names_in_ : array of str, for frames

    References
    ----------
    Singh, Askari, Caruana, Gao: Augmenting interpretable models with large language models during training.
    Nature Communications 14 (2023). Breiman, Friedman, Olshen, Stone: Classification and regression trees
    (1984).

    Examples
    --------
    >>> from interpllm import AugTreeClassifier
    >>> ends = ["film", "plot", "cast", "story", "scene", "end"]
    >>> texts = [f"{word} {end}" for word in ("good", "fine", "bad", "poor") for end in ends]
    >>> model = AugTreeClassifier(llm=None).fit(texts, ["yes"] * 12 + ["no"] * 12)
    >>> model.predict(["a good one", "so poor"]).tolist()
    ['yes', 'no']
    """

    _some_classes = ("one class", "another")

    def __init__(
        self,
        llm: LLM = "local",
        *,
        task: str | None = None,
        n_trees: int = 1,
        max_depth: int | None = None,
        max_leaf_nodes: int | None = 32,
        min_samples_leaf: int | float = 0.005,
        max_phrases: int | None = None,
        ccp_alpha: float = 0.0,
        ngram_range: tuple[int, int] = (1, 2),
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        random_state: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.n_trees = n_trees
        self.max_depth = max_depth
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.max_phrases = max_phrases
        self.ccp_alpha = ccp_alpha
        self.ngram_range = ngram_range
        self.class_weight = class_weight
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AugTreeClassifier:
        """Grow the trees.

        Parameters
        ----------
        X : container of n_rows texts
            A list, 1-D array, pandas or polars Series, or a frame of one column.
        y : container of n_rows labels
        sample_weight : container of n_rows numbers, optional
            Rows of weight 0 are left out.

        Returns
        -------
        AugTreeClassifier
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        CapabilityError
            When the language model can neither embed nor complete.
        ModelNotFoundError
            When a local model was not pulled; the message names the command.
        """
        self._check_parameters()
        rows = self._check_fit(X, y, sample_weight)
        weight = np.ones(len(rows.texts)) if rows.sample_weight is None else rows.sample_weight
        if self.class_weight is not None:
            weight = weight * compute_sample_weight(self.class_weight, self.classes_[rows.y])
        targets = np.eye(len(self.classes_))[rows.y]
        if len(self.classes_) == 2:
            targets = targets[:, 1:]
        self._fit_trees(rows, targets, weight / weight.mean(), self.classes_.tolist())
        return self


class AugTreeRegressor(TextRegressorMixin, AugTreeRecipe, BaseEstimator):
    """A tree, or a forest, of lexicons for a number.

    See `AugTreeClassifier` for the method; here the impurity is the variance, in standard units of y.

    Parameters
    ----------
    llm, task, n_trees, max_depth, max_leaf_nodes, min_samples_leaf, max_phrases, ccp_alpha, ngram_range,
    random_state, n_jobs, cache, verbose
        As for `AugTreeClassifier`.

    Attributes
    ----------
    model_, report_, n_features_in_, feature_names_in_
        As for `AugTreeClassifier`; a node's value is the mean, and held-back scores are R squared.

    Examples
    --------
    >>> from interpllm import AugTreeRegressor
    >>> ends = ["film", "plot", "cast", "story", "scene", "end"]
    >>> texts = [f"{word} {end}" for word in ("good", "fine", "bad", "poor") for end in ends]
    >>> model = AugTreeRegressor(llm=None).fit(texts, [2.0] * 12 + [1.0] * 12)
    >>> bool(model.predict(["good"])[0] > model.predict(["bad"])[0])
    True
    """

    def __init__(
        self,
        llm: LLM = "local",
        *,
        task: str | None = None,
        n_trees: int = 1,
        max_depth: int | None = None,
        max_leaf_nodes: int | None = 32,
        min_samples_leaf: int | float = 0.005,
        max_phrases: int | None = None,
        ccp_alpha: float = 0.0,
        ngram_range: tuple[int, int] = (1, 2),
        random_state: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.n_trees = n_trees
        self.max_depth = max_depth
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.max_phrases = max_phrases
        self.ccp_alpha = ccp_alpha
        self.ngram_range = ngram_range
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AugTreeRegressor:
        """Grow the trees.

        Parameters
        ----------
        X : container of n_rows texts
        y : container of n_rows finite numbers
        sample_weight : container of n_rows numbers, optional

        Returns
        -------
        AugTreeRegressor
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        CapabilityError
            When the language model can neither embed nor complete.
        ModelNotFoundError
            When a local model was not pulled; the message names the command.
        """
        self._check_parameters()
        rows = self._check_fit(X, y, sample_weight)
        weight = np.ones(len(rows.texts)) if rows.sample_weight is None else rows.sample_weight
        center = np.average(rows.y, weights=weight)
        scale = np.sqrt(np.average((rows.y - center) ** 2, weights=weight)) or 1.0
        standard = rows._replace(y=(rows.y - center) / scale)
        unit = (float(center), float(scale))
        self._fit_trees(standard, standard.y[:, None], weight / weight.mean(), [], unit)
        return self
