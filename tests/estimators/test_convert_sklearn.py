"""What scikit-learn fitted predicts the same as a readable model, number for number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import some
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from interpllm import from_sklearn
from interpllm.errors import InputError
from interpllm.estimators.convert_trees import routes_alike
from interpllm.runtime import LinearModel, RuleSetModel, TreeModel, dumps, loads, parse
from interpllm.runtime.tokens import words

NAMES = [f"x{i}" for i in range(4)]

CLASSIFIERS = [
    DecisionTreeClassifier(max_depth=5, random_state=0),
    ExtraTreeClassifier(max_depth=5, random_state=0),
    RandomForestClassifier(n_estimators=7, max_depth=4, random_state=0),
    ExtraTreesClassifier(n_estimators=7, max_depth=4, random_state=0),
    GradientBoostingClassifier(n_estimators=6, random_state=0),
    GradientBoostingClassifier(n_estimators=6, init="zero", subsample=0.5, random_state=0),
    HistGradientBoostingClassifier(max_iter=6, random_state=0),
    AdaBoostClassifier(n_estimators=6, random_state=0),
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=4, random_state=0),
    LogisticRegression(max_iter=2000),
    LinearSVC(random_state=0),
    RidgeClassifier(),
    SGDClassifier(loss="hinge", random_state=0),
]

BINARY = [
    GradientBoostingClassifier(n_estimators=6, loss="exponential", random_state=0),
    LogisticRegression(solver="liblinear"),
    SGDClassifier(loss="log_loss", random_state=0),
    SGDClassifier(loss="modified_huber", alpha=0.1, random_state=0),
]

REGRESSORS = [
    DecisionTreeRegressor(max_depth=5, random_state=0),
    ExtraTreeRegressor(max_depth=5, random_state=0),
    RandomForestRegressor(n_estimators=7, max_depth=4, random_state=0),
    ExtraTreesRegressor(n_estimators=7, max_depth=4, random_state=0),
    GradientBoostingRegressor(n_estimators=6, random_state=0),
    GradientBoostingRegressor(n_estimators=6, loss="quantile", random_state=0),
    HistGradientBoostingRegressor(max_iter=6, random_state=0),
    Ridge(),
    LinearRegression(),
    Lasso(0.1),
    ElasticNet(0.1),
]


def data_of(kind: str) -> tuple[Any, Any]:
    if kind == "two":
        X, y = load_breast_cancer(return_X_y=True)
        return X[:, 4:8], np.array(["malignant", "benign"])[y]
    if kind == "three":
        return load_iris(return_X_y=True)
    X, y = load_diabetes(return_X_y=True)
    return X[:, :4], y


def tried(model: Any, X: Any) -> Any:
    """Training rows, random ones, and rows at the bounds of the model and beside them."""
    rng = np.random.default_rng(0)
    rows = [X[:60], rng.uniform(X.min(0) - 0.1, X.max(0) + 0.1, (60, X.shape[1]))]
    if isinstance(model, TreeModel):
        for condition in list(model.conditions())[:80]:
            for beside in (-np.inf, condition.bound, np.inf):
                row = X[rng.integers(len(X))].copy()
                row[NAMES.index(condition.column)] = np.nextafter(condition.bound, beside)
                rows.append(row[None])
    return np.vstack(rows)


def as_rows(X: Any) -> list[dict[str, Any]]:
    return [dict(zip(NAMES, row, strict=True)) for row in X.tolist()]


def agrees(fitted: Any, model: Any, X: Any, rows: Any) -> None:
    """Predictions, probabilities where there are some, else scores; in the forms it is kept in, too."""
    forms = [model, loads(dumps(model))]
    if not isinstance(model, LinearModel):
        forms.append(parse(str(model)))
    for form in forms:
        if not model.classes:
            np.testing.assert_allclose(form.predict(rows), fitted.predict(X), rtol=1e-9, atol=1e-9)
            continue
        if hasattr(fitted, "predict_proba"):
            shares = fitted.predict_proba(X)
            np.testing.assert_allclose(form.predict_proba(rows), shares, atol=1e-9)
            top = np.sort(shares, axis=1)
            clear = top[:, -1] - top[:, -2] > 1e-12
        else:
            scores = fitted.decision_function(X)
            np.testing.assert_allclose(form.decision_function(rows), scores, rtol=1e-9, atol=1e-9)
            clear = np.ones(len(X), dtype=bool)
        assert np.mean(clear) > 0.9
        assert (np.array(form.predict(rows))[clear] == fitted.predict(X)[clear]).all()


def cases() -> list[Any]:
    kinds = [("two", CLASSIFIERS + BINARY), ("three", CLASSIFIERS), ("regression", REGRESSORS)]
    return [
        pytest.param(kind, estimator, id=f"{kind}-{estimator!r:.60}")
        for kind, estimators in kinds
        for estimator in estimators
    ]


@pytest.mark.parametrize(("kind", "estimator"), cases())
def test_columns_are_predicted_from_as_by_the_original(kind: str, estimator: Any) -> None:
    X, y = data_of(kind)
    fitted = estimator.fit(X, y)
    model = from_sklearn(fitted, target="y")
    assert model.target == "y"
    assert list(model.classes) == (np.unique(y).tolist() if kind != "regression" else [])
    Q = tried(model, X)
    agrees(fitted, model, Q, as_rows(Q))


@settings(some, max_examples=500)
@given(st.floats(-1e30, 1e30, allow_nan=False), st.integers(-3, 3))
def test_a_bound_sends_numbers_the_way_of_their_32_bits(threshold: float, steps: int) -> None:
    bound = routes_alike(threshold)
    value = bound
    for _ in range(abs(steps)):
        value = float(np.nextafter(value, np.sign(steps) * np.inf))
    for number in (value, threshold, float(np.float32(threshold)), float(np.nextafter(threshold, np.inf))):
        assert (number <= bound) == (float(np.float32(number)) <= threshold)


def test_a_number_above_the_threshold_goes_left_where_32_bits_say_so() -> None:
    fitted = DecisionTreeRegressor().fit([[0.1], [0.3]], [0.0, 1.0])
    threshold = fitted.tree_.threshold[0]
    bound = routes_alike(threshold)
    beyond = np.nextafter(bound, np.inf)
    assert bound > threshold
    assert fitted.predict([[bound], [beyond]]).tolist() == [0.0, 1.0]
    assert from_sklearn(fitted).predict([{"x0": bound}, {"x0": beyond}]) == [0.0, 1.0]


@pytest.mark.parametrize(
    "kind", [DecisionTreeClassifier, RandomForestClassifier, HistGradientBoostingClassifier]
)
def test_missing_values_go_the_way_they_were_fitted_to(kind: Any) -> None:
    X, y = (part.copy() for part in data_of("three"))
    rng = np.random.default_rng(1)
    X[rng.random(X.shape) < 0.2] = np.nan
    fitted = kind(random_state=0).fit(X, y)
    model = from_sklearn(fitted)
    assert {node.missing for tree in model.trees for node in tree} == {"yes", "no"}
    agrees(fitted, model, X, as_rows(X))


def test_categories_of_a_frame_are_values_of_columns() -> None:
    rng = np.random.default_rng(2)
    sizes = ["s", "m", "l", "xl", "xxl"]
    frame = pd.DataFrame({"n": rng.normal(size=300), "size": pd.Categorical(rng.choice(sizes, 300))})
    y = frame["size"].isin(["m", "xl"]).astype(int) * 3 + frame["n"] + rng.normal(size=300) / 9
    frame.loc[::7, "size"] = np.nan
    fitted = HistGradientBoostingRegressor(max_iter=20, categorical_features="from_dtype").fit(frame, y)
    model = from_sklearn(fitted)
    assert model.columns == {"n": "number", "size": "value"}
    np.testing.assert_allclose(model.predict(frame), fitted.predict(frame), rtol=1e-9)
    unknown = frame.assign(size=pd.Categorical(["giant"] * 300))
    np.testing.assert_allclose(model.predict(unknown), fitted.predict(unknown), rtol=1e-9)


def test_columns_are_named_as_they_were_fitted_or_as_is_said() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    fitted = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    assert set(from_sklearn(fitted).columns) <= set(X.columns)
    assert "d" in from_sklearn(fitted, feature_names=list("abcd")).columns
    assert from_sklearn(fitted).trees[0][0].n_rows == 150 == from_sklearn(fitted).n_rows


def test_sparse_coefficients_are_read() -> None:
    X, y = data_of("three")
    fitted = LogisticRegression(max_iter=2000).fit(X, y).sparsify()
    agrees(fitted, from_sklearn(fitted), X, as_rows(X))


def test_what_has_no_probabilities_says_so() -> None:
    X, y = data_of("two")
    assert "not calibrated" in from_sklearn(LinearSVC().fit(X, y)).meta["probabilities"]
    assert "probabilities" not in from_sklearn(LogisticRegression().fit(X, y)).meta


# --- behind a vectorizer ------------------------------------------------------------------------------------

PIECES = [
    "good",
    "bad",
    "not",
    "Movie",
    "the",
    "don't",
    "it\u2019s",
    "!",
    "caf\u00e9",
    "A",
    "x_1",
    "fine",
    "so",
]


def some_texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(PIECES, rng.integers(0, 12))) for _ in range(n)]


TEXTS = some_texts(150)
LABELS = np.array(["neg", "pos"])[[int("good" in text and "not" not in text) for text in TEXTS]]
NUMBERS = np.array([text.count("good") - 0.5 * text.count("bad") for text in TEXTS])

VECTORIZERS = [
    CountVectorizer(),
    CountVectorizer(binary=True, ngram_range=(1, 2)),
    CountVectorizer(stop_words="english", ngram_range=(1, 3), min_df=2),
    CountVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2)),
    CountVectorizer(tokenizer=words, token_pattern=None, binary=True),
    TfidfVectorizer(),
    TfidfVectorizer(sublinear_tf=True, norm="l1", ngram_range=(1, 2), stop_words=["the"]),
    TfidfVectorizer(use_idf=False, norm="l2"),
    TfidfVectorizer(binary=True, norm=None, smooth_idf=False),
]


@pytest.mark.filterwarnings("ignore:Your stop_words may be inconsistent")
@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=lambda v: f"{v!r:.70}")
@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier(max_depth=6, random_state=0),
        GradientBoostingRegressor(n_estimators=5, random_state=0),
        LogisticRegression(),
        SGDClassifier(loss="modified_huber", random_state=0),
        Ridge(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_texts_are_predicted_from_as_by_the_original(vectorizer: Any, estimator: Any) -> None:
    y = LABELS if is_classifier(estimator) else NUMBERS
    fitted = make_pipeline(vectorizer, estimator).fit(TEXTS, y)
    texts = [*TEXTS, *some_texts(100, 1), "", "nothing known"]
    agrees(fitted, from_sklearn(fitted), texts, texts)
    agrees(fitted, from_sklearn(fitted[-1], vectorizer=fitted[0]), texts, texts)


def test_counts_weighed_by_a_transformer_are_read() -> None:
    fitted = make_pipeline(CountVectorizer(), TfidfTransformer(sublinear_tf=True), LogisticRegression())
    fitted.fit(TEXTS, LABELS)
    model = from_sklearn(fitted)
    assert isinstance(model, RuleSetModel)
    agrees(fitted, model, TEXTS, TEXTS)


def test_what_asks_only_whether_a_text_has_an_ngram_is_a_linear_model() -> None:
    fitted = make_pipeline(
        CountVectorizer(tokenizer=words, token_pattern=None, binary=True, ngram_range=(1, 2)),
        LogisticRegression(),
    ).fit(TEXTS, LABELS)
    model = from_sklearn(fitted)
    assert isinstance(model, LinearModel)
    agrees(fitted, model, TEXTS, TEXTS)


def test_weights_of_phrases_are_read_and_add_up() -> None:
    fitted = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    model = from_sklearn(fitted)
    assert 'each unit of value of "good" adds ' in str(model)
    strongest = max(model.rules(), key=lambda rule: abs(rule.weight))
    assert (strongest.rule, strongest.prediction) == ('each unit of value of "good"', "pos")
    told = model.explain(["good good bad"])[0]
    assert told.contributions[0].spans == ((0, 4), (5, 9))
    assert sum(c.values[0] for c in told.contributions) + told.base[0] == pytest.approx(told.decision[0])


def test_texts_can_stand_in_a_column() -> None:
    fitted = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    rows = [{"review": text} for text in TEXTS]
    assert from_sklearn(fitted, text="review").predict(rows) == fitted.predict(TEXTS).tolist()


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vectorizer", "said"),
    [
        (CountVectorizer(analyzer="char"), "analyzer='char'.*analyzer='word'"),
        (CountVectorizer(tokenizer=str.split, token_pattern=None), "tokenizer.*tokens.words"),
        (CountVectorizer(token_pattern=r"\S+"), "token_pattern.*default pattern"),
        (CountVectorizer(lowercase=False), "lowercase=False.*lowercase=True"),
        (CountVectorizer(strip_accents="ascii"), "strip_accents='ascii'.*strip_accents=None"),
        (CountVectorizer(preprocessor=str.lower), "preprocessor=.*preprocessor=None"),
        (TfidfVectorizer(dtype=np.float32), "float32.*float64"),
        (HashingVectorizer(n_features=16), "HashingVectorizer.*CountVectorizer"),
        (make_pipeline(CountVectorizer(), StandardScaler(with_mean=False)), "Pipeline cannot be read"),
    ],
)
def test_a_vectorizer_that_cannot_be_had_is_refused_by_its_setting(vectorizer: Any, said: str) -> None:
    fitted = make_pipeline(vectorizer, LogisticRegression()).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match=said):
        from_sklearn(fitted)


def test_two_sigmas_are_refused() -> None:
    texts = ["\u03bb\u03cc\u03b3\u03bf\u03c2 a", "b c"] * 5
    fitted = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, [0, 1] * 5)
    with pytest.raises(InputError, match="final sigma"):
        from_sklearn(fitted)


def test_models_that_cannot_be_had_are_refused_by_name() -> None:
    X, y = data_of("three")
    with pytest.raises(InputError, match=r"A DummyClassifier cannot .* DecisionTreeClassifier"):
        from_sklearn(DummyClassifier().fit(X, y))
    with pytest.raises(InputError, match="A PoissonRegressor cannot"):
        from_sklearn(PoissonRegressor().fit(X, y))
    with pytest.raises(InputError, match=r"one class against the rest.*LogisticRegression"):
        from_sklearn(SGDClassifier(loss="log_loss").fit(X, y))
    with pytest.raises(InputError, match=r"loss='poisson'.*squared_error"):
        from_sklearn(HistGradientBoostingRegressor(loss="poisson", max_iter=2).fit(X, y))
    with pytest.raises(InputError, match=r"init=LogisticRegression.*init='zero'"):
        from_sklearn(
            GradientBoostingClassifier(init=LogisticRegression(max_iter=999), n_estimators=2).fit(X, y)
        )
    with pytest.raises(InputError, match="boosts LogisticRegressions"):
        from_sklearn(AdaBoostClassifier(LogisticRegression(max_iter=999), n_estimators=2).fit(X, y))
    with pytest.raises(InputError, match="2 targets; fit one model for each"):
        from_sklearn(DecisionTreeRegressor(max_depth=2).fit(X, np.c_[y, y]))
    with pytest.raises(InputError, match="2 targets; fit one model for each"):
        from_sklearn(LinearRegression().fit(X, np.c_[y, y]))
    with pytest.raises(InputError, match="StandardScaler cannot be read"):
        from_sklearn(make_pipeline(StandardScaler(), Ridge()).fit(X, y))


def test_what_does_not_fit_together_is_refused() -> None:
    X, y = data_of("three")
    fitted = DecisionTreeClassifier().fit(X, y)
    with pytest.raises(InputError, match=r"fitted on 4 columns.* for 2"):
        from_sklearn(fitted, feature_names=["a", "b"])
    with pytest.raises(InputError, match="same name"):
        from_sklearn(fitted, feature_names=["a", "b", "b", "c"])
    with pytest.raises(InputError, match="leave feature_names out"):
        from_sklearn(fitted, CountVectorizer().fit(TEXTS), feature_names=["a"] * 4)
    with pytest.raises(InputError, match="vectorizer has phrases for"):
        from_sklearn(fitted, CountVectorizer().fit(TEXTS))
    with pytest.raises(NotFittedError):
        from_sklearn(DecisionTreeClassifier())
