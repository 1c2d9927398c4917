"""Checks of what comes out of a fitted estimator: predictions, explanations, rules, exports."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from interpllm.runtime import LinearModel, load
from interpllm.runtime.tokens import words
from interpllm.testing.toy_rows import UNSEEN, Rows, assert_same, fitted, fresh, outputs, rows_for

RULE_COLUMNS = [
    *("rule", "prediction", "weight", "support", "coverage", "precision", "recall", "lift", "low", "high"),
    *("n_train", "source", "examples"),
]


def _fits(est: Any) -> list[tuple[Any, Rows]]:
    """Fitted estimators to look at: two and three classes, or one regression."""
    return [(fitted(est, n), rows_for(est, n)) for n in ([2, 3] if is_classifier(est) else [2])]


def _decision(model: Any, X: Any) -> NDArray[np.float64]:
    """The decision function, (n_rows, n_outputs); a regressor's is its prediction."""
    found = (getattr(model, "decision_function", None) or model.predict)(X)
    return np.asarray(found).reshape(len(X), -1)


def check_learns(est: Any) -> None:
    """On rows with plain words for each target, it fits its own training rows far better than chance."""
    for model, rows in _fits(est):
        score = model.score(rows.texts, rows.y)
        floor = 0.8 if is_classifier(est) else 0.5
        assert score >= floor, f"it must learn the toy rows; its score on them is {score:.2f}, below {floor}."


def check_predict_shape(est: Any) -> None:
    """`predict` gives a 1-D array, one value a row."""
    found = fitted(est).predict(UNSEEN)
    assert isinstance(found, np.ndarray), f"predict must give an array, not {type(found).__name__}."
    assert found.shape == (len(UNSEEN),), f"predict must give shape ({len(UNSEEN)},), not {found.shape}."


def check_row_order_invariance(est: Any) -> None:
    """Each row is predicted the same wherever it stands."""
    model, order = fitted(est), np.random.RandomState(0).permutation(len(UNSEEN))
    shuffled = outputs(model, [UNSEEN[i] for i in order])
    assert_same(shuffled, outputs(model, UNSEEN)[order], "shuffled rows must get the same predictions.", 0.0)


def check_subset_invariance(est: Any) -> None:
    """Each row is predicted the same alone as among others."""
    model = fitted(est)
    alone = np.vstack([outputs(model, [text]) for text in UNSEEN])
    assert_same(
        alone, outputs(model, UNSEEN), "a row alone must get the same prediction as among others.", 0.0
    )


def check_predict_leaves_state(est: Any) -> None:
    """Predicting, explaining and listing rules change nothing in the estimator."""
    model = copy.deepcopy(fitted(est))
    outputs(model, UNSEEN)  # what is computed once and kept is kept from here on
    before = {name: joblib.hash(value) for name, value in vars(model).items()}
    outputs(model, UNSEEN[::-1])
    model.predict(UNSEEN)
    for verb in ("explain", "get_rules"):
        if hasattr(model, verb):
            getattr(model, verb)(*([UNSEEN] if verb == "explain" else []))
    assert set(vars(model)) == set(before), "predict must not add or remove attributes."
    changed = [name for name, value in vars(model).items() if joblib.hash(value) != before[name]]
    assert not changed, f"predict must not change {changed}."


def check_score(est: Any) -> None:
    """`score` is accuracy or R², and heeds sample_weight."""
    model, rows = fitted(est), rows_for(est)
    weight = np.linspace(0.1, 2.0, len(rows.y))
    metric = accuracy_score if is_classifier(est) else r2_score
    y = rows.y[::-1].copy()
    y[:7] = rows.y[:7]
    expected = metric(y, model.predict(rows.texts), sample_weight=weight)
    name = "accuracy" if is_classifier(est) else "R²"
    assert_same(
        model.score(rows.texts, y, sample_weight=weight),
        np.float64(expected),
        f"score must be the weighted {name}.",
    )


def check_explain_adds_up(est: Any) -> None:
    """For each row, base + contributions = decision = decision_function, to 1e-9, for every output."""
    for model, rows in _fits(est):
        texts = UNSEEN + rows.texts[:5]
        explanations = model.explain(texts)
        assert len(explanations) == len(texts), "explain must give one explanation a row."
        for row, (explanation, decision) in enumerate(
            zip(explanations, _decision(model, texts), strict=True)
        ):
            total = np.array(explanation.base, dtype=float)
            for contribution in explanation.contributions:
                total += contribution.values
            assert_same(total, decision, f"base + contributions must be the decision function (row {row}).")
            assert_same(
                explanation.decision, decision, f"explain must tell the decision function (row {row})."
            )


def check_explain_agrees_with_predict(est: Any) -> None:
    """An explanation is of the text that was given, and of its prediction."""
    for model, _ in _fits(est):
        for row, (text, predicted) in enumerate(zip(UNSEEN, model.predict(UNSEEN).tolist(), strict=True)):
            explanation = model.explain([text])[0]
            assert explanation.text == text, f"explain must keep the text as it was given (row {row})."
            assert explanation.prediction == predicted, f"explain and predict must agree (row {row})."


def check_explain_spans(est: Any) -> None:
    """A contribution's spans are where its phrase stands in the text as it was given."""
    model, rows = fitted(est), rows_for(est)
    for explanation in model.explain(UNSEEN + rows.texts):
        for part in explanation.contributions:
            if part.question is not None:  # answered as a whole; its spans show what spoke for the answer
                continue
            if not isinstance(model.model_, LinearModel):  # a condition may also move by what is not there
                for start, end in part.spans:
                    there = " ".join(words(explanation.text[start:end]))
                    assert f'"{there}"' in part.phrase, f"a span of {part.phrase!r:.200} holds {there!r}."
                continue
            assert part.spans, f"the contribution of {part.phrase!r} has no span."
            for start, end in part.spans:
                there = explanation.text[start:end]
                assert " ".join(words(there)) == part.phrase, f"the span of {part.phrase!r} holds {there!r}."


def check_explain_coverage(est: Any) -> None:
    """Coverage is a share: 0 for the empty text and for words never seen, above 0 for training rows."""
    model, rows = fitted(est), rows_for(est)
    shares = [explanation.coverage for explanation in model.explain(["", "zyx wvu", *rows.texts])]
    assert all(0.0 <= share <= 1.0 for share in shares), "coverage must lie between 0 and 1."
    if not isinstance(model.model_, LinearModel):
        return  # a question has an answer for any text
    assert shares[0] == 0.0, "the coverage of the empty text must be 0."
    assert shares[1] == 0.0, "the coverage of words never seen must be 0."
    assert max(shares[2:]) > 0.0, "the model must know some n-grams of its training rows."


def check_explain_html_is_escaped(est: Any) -> None:
    """What notebooks show holds the text as text, never as markup."""
    text = "<script>alert(1)</script> <b>lovely</b> & awful"
    explanations = fitted(est).explain([text])
    shown = getattr(explanations, "_repr_html_", str)()
    assert "<script" not in shown, "the HTML of an explanation must escape the text."
    assert "<b>" not in shown, "the HTML of an explanation must escape the text."


def check_get_rules(est: Any) -> None:
    """The rules are a table with the columns of the contract, in ranges that they can have."""
    for model, rows in _fits(est):
        rules = model.get_rules()
        assert list(rules.columns) == RULE_COLUMNS, f"get_rules must have the columns {RULE_COLUMNS}."
        assert len(rules), "get_rules must list at least one rule of a model that has learned."
        known = rules.dropna(subset=["support"])
        assert known["support"].between(0, len(rows.y)).all(), "support must count training rows."
        assert_same(
            known["coverage"].to_numpy(float),
            known["support"].to_numpy(float) / len(rows.y),
            "coverage must be support / training rows.",
        )
        assert (rules["n_train"] == len(rows.y)).all(), "n_train must be the number of training rows."
        examples = rules["examples"].explode().dropna().astype(int)
        assert examples.between(0, len(rows.y) - 1).all(), "examples must be rows of X."


def check_get_rules_evidence(est: Any) -> None:
    """Recall, lift and the interval of a class's rule are those of its counts."""
    for model, rows in _fits(est):
        rules = model.get_rules()
        within = rules.dropna(subset=["low", "high", "precision"])
        assert (within["low"] <= within["precision"] + 1e-9).all(), "low must be at most the precision."
        assert (within["precision"] <= within["high"] + 1e-9).all(), "high must be at least the precision."
        if not is_classifier(est):
            continue
        known = rules.dropna(subset=["recall", "lift"])
        shares = pd.Series(rows.y).value_counts(normalize=True)
        if "teacher" in est.get_params():  # it learns what the teacher says of the rows, and tells of that
            shares = pd.Series(model.model_.base, index=model.classes_)
        of_class = len(rows.y) * known["prediction"].map(shares).to_numpy(float)
        support, precision = known["support"].to_numpy(float), known["precision"].to_numpy(float)
        sentence = "recall must be the share of the rows of the class that the rule holds for."
        assert_same(known["recall"].to_numpy(float), support * precision / of_class, sentence, 1e-4)
        sentence = "lift must be the precision over the share of the class."
        assert_same(known["lift"].to_numpy(float), precision / (of_class / len(rows.y)), sentence, 1e-4)


def check_get_rules_order(est: Any) -> None:
    """The strongest rule stands first."""
    strength = np.abs(fitted(est).get_rules()["weight"].to_numpy(float))
    assert (np.diff(strength) <= 0).all(), "get_rules must be sorted by strength, strongest first."


def check_get_rules_example(est: Any) -> None:
    """The example of a rule is a training row that has its phrase."""
    model, rows = fitted(est), rows_for(est)
    for phrase, example in model.get_rules()[["rule", "examples"]].explode("examples").dropna().to_numpy():
        named = phrase.split('"')[1] if phrase.count('"') == 2 else ""
        text = f" {' '.join(words(rows.texts[int(example)]))} "
        assert f" {named} " in text or not named, f"the example of the rule {phrase} does not have it."


def check_get_rules_predictions(est: Any) -> None:
    """What a rule speaks for is a class, or up or down; weights of classes are strengths, at least 0."""
    for model, _ in _fits(est):
        rules = model.get_rules()
        if is_classifier(est):
            strangers = set(rules["prediction"]) - set(model.classes_.tolist())
            assert not strangers, f"a rule must speak for a class, not for {strangers}."
            assert (rules["weight"] >= 0).all(), "a classifier's rule has a weight of at least 0."
        else:
            up = rules["weight"] > 0
            assert (rules["prediction"][up] == "+").all(), "a rule of positive weight must predict '+'."
            assert (rules["prediction"][rules["weight"] < 0] == "-").all(), (
                "one of negative weight predicts '-'."
            )


def _deploys(model: Any) -> bool:
    """Whether the model predicts texts by itself; a question without a stand-in needs a language model."""
    return bool(getattr(model.model_, "deployable", True))


def check_export_json(est: Any) -> None:
    """The .json file, loaded by the runtime, predicts as the estimator does."""
    for model, rows in filter(lambda fit: _deploys(fit[0]), _fits(est)):
        texts = UNSEEN + rows.texts
        with tempfile.TemporaryDirectory() as folder:
            model.export(Path(folder, "model.json"))
            json.loads(Path(folder, "model.json").read_text(encoding="utf-8"))
            loaded = load(Path(folder, "model.json"))
        assert loaded.predict(texts) == model.predict(texts).tolist(), "the .json must predict the same."
        decision = np.asarray(loaded.decision_function(texts)).reshape(len(texts), -1)
        assert_same(decision, _decision(model, texts), "the .json must score the same.")


def check_export_python(est: Any) -> None:
    """The .py file, run without any installed library, predicts as the estimator does."""
    model, rows = fitted(est), rows_for(est)
    if not _deploys(model):
        return
    script = (
        "import json, runpy, sys; file = runpy.run_path(sys.argv[1], run_name='model'); "
        "print(json.dumps(file['predict'](json.load(sys.stdin))))"
    )
    texts = UNSEEN + rows.texts
    with tempfile.TemporaryDirectory() as folder:
        model.export(Path(folder, "model.py"))
        run = subprocess.run(
            [sys.executable, "-I", "-S", "-c", script, str(Path(folder, "model.py"))],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, f"the .py does not run: {run.stderr[-300:]}"
    assert_same(json.loads(run.stdout), model.predict(texts), "the .py must predict the same.")


def check_export_is_stable(est: Any) -> None:
    """Two fits on the same rows write the same bytes."""
    rows = rows_for(est)
    with tempfile.TemporaryDirectory() as folder:
        fresh(est).fit(rows.texts, rows.y).export(Path(folder, "one.json"))
        fitted(est).export(Path(folder, "two.json"))
        same = Path(folder, "one.json").read_bytes() == Path(folder, "two.json").read_bytes()
    assert same, "two fits on the same rows must export the same bytes."


def check_export_of_an_unknown_format_is_refused(est: Any) -> None:
    """A suffix that no exporter knows is refused, and nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.nonsense")
        try:
            fitted(est).export(path)
        except Exception:
            assert not path.exists(), "a refused export must write nothing."
            return
    raise AssertionError("export to a suffix that no exporter knows must be refused.")


CHECKS = [
    check_learns,
    check_predict_shape,
    check_row_order_invariance,
    check_subset_invariance,
    check_predict_leaves_state,
    check_score,
]
# Checks of verbs that a text estimator of another library need not have.
VERB_CHECKS = {
    "explain": [
        check_explain_adds_up,
        check_explain_agrees_with_predict,
        check_explain_spans,
        check_explain_coverage,
        check_explain_html_is_escaped,
    ],
    "get_rules": [
        check_get_rules,
        check_get_rules_evidence,
        check_get_rules_order,
        check_get_rules_example,
        check_get_rules_predictions,
    ],
    "export": [
        check_export_json,
        check_export_python,
        check_export_is_stable,
        check_export_of_an_unknown_format_is_refused,
    ],
}
