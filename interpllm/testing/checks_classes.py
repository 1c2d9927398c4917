"""Checks that are about classes, and so apply to classifiers only."""

from __future__ import annotations

from typing import Any

import numpy as np

from interpllm.testing.toy_rows import UNSEEN, assert_same, fit_refuses, fitted, fresh, rows_for


def check_label_types(est: Any) -> None:
    """Labels come back in the type that they were given in: text, integers, booleans, whole floats."""
    rows = rows_for(est)
    kinds = (rows.y == "good").astype(int)
    for labels in (
        np.array(["no", "yes"], dtype=object),
        np.array([-1, 7]),
        np.array([3, 200], dtype=np.uint8),
        np.array([False, True]),
        np.array([1.0, 2.0]),
    ):
        model = fresh(est).fit(rows.texts, labels[kinds])
        found = model.predict(rows.texts)
        for name, values in {"classes_": model.classes_, "predict": found}.items():
            assert values.dtype == labels.dtype, (
                f"{name} must be of dtype {labels.dtype}, not {values.dtype}."
            )
        assert_same(
            found, labels[(fitted(est).predict(rows.texts) == "good").astype(int)], "labels are only names."
        )


def check_class_order(est: Any) -> None:
    """`classes_` is sorted, in whatever order the rows come."""
    rows = rows_for(est)
    order = np.argsort(rows.y, kind="stable")[::-1]
    model = fresh(est).fit([rows.texts[i] for i in order], rows.y[order])
    assert model.classes_.tolist() == ["bad", "good"], (
        "classes_ must be sorted, whatever the order of the rows."
    )
    good = model.predict_proba(["lovely wonderful great", "awful terrible dull"])[:, 1]
    assert good[0] > good[1], "column 1 of predict_proba must be the probability of classes_[1]."


def check_class_order_of_three(est: Any) -> None:
    """With three classes, the columns stand in the order of `classes_`."""
    model, rows = fitted(est, 3), rows_for(est, 3)
    assert model.classes_.tolist() == ["bad", "good", "mail"], "classes_ must be all labels, sorted."
    means = np.array(
        [model.predict_proba(rows.texts)[rows.y == label].mean(axis=0) for label in model.classes_]
    )
    assert (means.argmax(axis=1) == [0, 1, 2]).all(), "the columns must stand in the order of classes_."


def check_predict_proba(est: Any) -> None:
    """Probabilities lie in [0, 1], one column a class, and each row sums to 1."""
    for n_classes in (2, 3):
        found = fitted(est, n_classes).predict_proba(UNSEEN)
        assert found.shape == (len(UNSEEN), n_classes), f"predict_proba has shape {found.shape}."
        assert ((found >= 0) & (found <= 1)).all(), "probabilities must lie between 0 and 1."
        assert_same(found.sum(axis=1), np.ones(len(UNSEEN)), "the probabilities of a row must sum to 1.")


def check_predict_is_most_probable(est: Any) -> None:
    """`predict` is the class of the largest probability."""
    for n_classes in (2, 3):
        model, rows = fitted(est, n_classes), rows_for(est, n_classes)
        texts = UNSEEN + rows.texts
        best = model.classes_[model.predict_proba(texts).argmax(axis=1)]
        assert_same(model.predict(texts), best, "predict must be the class of the largest probability.")


def check_decision_function_shape(est: Any) -> None:
    """Two classes: one score a row. More: one a row and class."""
    for n_classes, shape in ((2, (len(UNSEEN),)), (3, (len(UNSEEN), 3))):
        found = fitted(est, n_classes).decision_function(UNSEEN).shape
        assert found == shape, f"decision_function of {n_classes} classes has shape {found}, not {shape}."


def check_decision_agrees_with_predict(est: Any) -> None:
    """Two classes: above 0 is the second. More: the largest score."""
    two, three = fitted(est), fitted(est, 3)
    positive = (two.decision_function(UNSEEN) > 0).astype(int)
    assert_same(two.predict(UNSEEN), two.classes_[positive], "a score above 0 must predict classes_[1].")
    largest = three.decision_function(UNSEEN).argmax(axis=1)
    assert_same(three.predict(UNSEEN), three.classes_[largest], "the largest score must be predicted.")


def check_decision_orders_as_probability(est: Any) -> None:
    """Two classes: a higher score is never a lower probability."""
    model = fitted(est)
    order = np.argsort(model.decision_function(UNSEEN), kind="stable")
    assert (np.diff(model.predict_proba(UNSEEN)[order, 1]) >= 0).all(), (
        "score and probability must rise together."
    )


def check_one_class_is_refused(est: Any) -> None:
    """One class is nothing to tell apart; nor is one class among rows that have weight."""
    rows = rows_for(est)
    fit_refuses(est, rows.texts, ["good"] * len(rows.y), "a y of one class", "class", "good")
    weight = (rows.y == "bad").astype(float)
    fit_refuses(est, rows.texts, rows.y, "one class among the weighted rows", "bad", sample_weight=weight)


def check_numbers_as_labels_are_refused(est: Any) -> None:
    """Numbers that are not whole are for a regressor."""
    rows = rows_for(est)
    y = np.linspace(0, 1, len(rows.y))
    fit_refuses(est, rows.texts, y, "a y of fractions", "Unknown label type", "row 1")


def check_class_weight(est: Any) -> None:
    """A class of large class_weight is predicted more often than one of small weight."""
    rows = rows_for(est)
    share = {}
    for heavy, light in (("bad", "good"), ("good", "bad")):
        model = fresh(est).set_params(class_weight={heavy: 50.0, light: 0.02}).fit(rows.texts, rows.y)
        share[heavy] = float(model.predict_proba(UNSEEN)[:, 1].mean())
    assert share["good"] > share["bad"], "class_weight must move the probabilities towards the heavier class."


CHECKS = [
    check_label_types,
    check_class_order,
    check_class_order_of_three,
    check_predict_proba,
    check_predict_is_most_probable,
    check_decision_function_shape,
    check_decision_agrees_with_predict,
    check_decision_orders_as_probability,
    check_one_class_is_refused,
    check_numbers_as_labels_are_refused,
]
CLASS_WEIGHT_CHECKS = [check_class_weight]
