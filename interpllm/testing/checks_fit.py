"""Checks of what an estimator is before `fit` and of what `fit` does and leaves alone."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import os
import pickle
import pickletools
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import joblib
import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from interpllm.testing.toy_rows import UNSEEN, assert_same, fitted, fresh, outputs, rows_for

VERBS = ["predict", "predict_proba", "decision_function", "explain", "score", "get_rules", "export"]
PLANTED_KEY = "sk-planted-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
# What a pickle that holds a live model, connection or lock refers to.
HEAVY = ("torch", "transformers", "httpx", "socket", "ssl", "sqlite3", "_thread", "threading")


def check_init_only_assigns(est: Any) -> None:
    """`__init__` keeps each argument as it is, under its own name, and does nothing else."""
    names = list(est.get_params(deep=False))
    given = {name: object() for name in names}
    made = type(est)(**given)
    assert set(vars(made)) == set(names), (
        f"__init__ must set its parameters and nothing else; it set {sorted(set(vars(made)) ^ set(names))}."
    )
    for name in names:
        assert vars(made)[name] is given[name], f"__init__ must keep {name} as it was given."


def check_parameters_are_explicit(est: Any) -> None:
    """`__init__` names every parameter: no *args, no **kwargs."""
    kinds = {parameter.kind for parameter in inspect.signature(type(est).__init__).parameters.values()}
    assert inspect.Parameter.VAR_POSITIONAL not in kinds, "__init__ must not take *args."
    assert inspect.Parameter.VAR_KEYWORD not in kinds, "__init__ must not take **kwargs."


def check_get_and_set_params(est: Any) -> None:
    """What get_params gives, set_params takes; unknown names are refused."""
    model = clone(est)
    params = model.get_params()
    assert model.set_params(**params) is model, "set_params must return the estimator itself."
    after = model.get_params()
    assert params.keys() == after.keys(), "set_params must not change which parameters there are."
    for name in params:
        assert after[name] is params[name], f"set_params(**get_params()) changed {name}."
    try:
        model.set_params(no_such_parameter=1)
    except ValueError:
        return
    raise AssertionError("set_params must refuse the name of a parameter that does not exist.")


def check_clone(est: Any) -> None:
    """A clone of a fitted estimator has its parameters, and nothing that it learned."""
    model = fitted(est)
    copied = clone(model)
    learned = sorted(name for name in vars(copied) if name not in copied.get_params(deep=False))
    assert not learned, f"clone() must give an unfitted estimator; it has {learned}."
    assert joblib.hash(copied.get_params(deep=False)) == joblib.hash(model.get_params(deep=False)), (
        "clone() must keep the values of all parameters."
    )


def check_tags(est: Any) -> None:
    """The tags say that it reads text, needs y, and is a classifier or a regressor."""
    tags = get_tags(est)
    assert tags.input_tags.string, "input_tags.string must be True: it reads texts."
    assert not tags.input_tags.two_d_array, "input_tags.two_d_array must be False: it reads no numbers."
    assert not tags.input_tags.allow_nan, "input_tags.allow_nan must be False: a missing text is refused."
    assert not tags.input_tags.sparse, "input_tags.sparse must be False: it reads no sparse matrices."
    assert tags.target_tags.required, "target_tags.required must be True: it learns from y."
    assert is_classifier(est) != is_regressor(est), (
        "It must be either a classifier or a regressor; the mixin stands left of BaseEstimator."
    )


def check_repr(est: Any) -> None:
    """Before and after fit, repr names the class."""
    for model in (clone(est), fitted(est)):
        assert type(est).__name__ in repr(model), "repr() must name the class."


def check_not_fitted(est: Any) -> None:
    """Before fit, each verb raises NotFittedError."""
    rows = rows_for(est)
    with tempfile.TemporaryDirectory() as folder:
        arguments: dict[str, tuple[Any, ...]] = {
            "score": (rows.texts, rows.y),
            "get_rules": (),
            "export": (Path(folder, "m.json"),),
        }
        for verb in VERBS:
            if not hasattr(est, verb):
                continue
            try:
                getattr(clone(est), verb)(*arguments.get(verb, (rows.texts,)))
            except NotFittedError:
                continue
            except Exception as error:
                raise AssertionError(f"{verb} before fit raises {type(error).__name__}: {error}") from error
            raise AssertionError(f"{verb} before fit must raise NotFittedError.")


def check_fit_returns_self(est: Any) -> None:
    """`fit` returns the estimator."""
    model, rows = fresh(est), rows_for(est)
    assert model.fit(rows.texts, rows.y) is model, "fit must return self."


def check_fit_leaves_params(est: Any) -> None:
    """`fit` neither replaces nor changes a parameter."""
    model, rows = fresh(est), rows_for(est)
    before = model.get_params(deep=False)
    hashes = {name: joblib.hash(value) for name, value in before.items()}
    model.fit(rows.texts, rows.y)
    for name, value in model.get_params(deep=False).items():
        assert value is before[name], f"fit must not replace the parameter {name}."
        # A language model may count what it is asked; it is the same one as long as its identity is.
        same = joblib.hash(value) == hashes[name] or hasattr(value, "identity")
        assert same, f"fit must not change the parameter {name}."


def check_fit_leaves_inputs(est: Any) -> None:
    """`fit` changes neither X nor y nor sample_weight."""
    rows = rows_for(est)
    given: tuple[Any, ...] = (list(rows.texts), rows.y.copy(), np.ones(len(rows.texts)))
    kept = copy.deepcopy(given)
    fresh(est).fit(given[0], given[1], sample_weight=given[2])
    for name, now, then in zip(("X", "y", "sample_weight"), given, kept, strict=True):
        assert list(now) == list(then), f"fit must not change {name}."


def check_learned_attributes(est: Any) -> None:
    """What `fit` learns ends with an underscore, or begins with one."""
    model = fitted(est)
    new = set(vars(model)) - set(model.get_params(deep=False))
    wrong = sorted(name for name in new if not name.endswith("_") and not name.startswith("_"))
    assert not wrong, f"what fit sets must end with an underscore: {wrong}."
    assert any(name.endswith("_") for name in new), "fit must set at least one attribute such as model_."


def check_refit(est: Any) -> None:
    """A second fit gives the same model, whatever was fitted in between."""
    rows = rows_for(est)
    model = fresh(est).fit(rows.texts, rows.y)
    model.fit(rows.texts[:-10], rows.y[:-10])
    model.fit(rows.texts, rows.y)
    sentence = "fitting again on the same rows must give the same model."
    assert_same(outputs(model, UNSEEN), outputs(fitted(est), UNSEEN), sentence, 0.0)


def check_refused_rows_leave_the_fit(est: Any) -> None:
    """A fit whose arguments are refused leaves the model as it was."""
    model, rows = copy.deepcopy(fitted(est)), rows_for(est)
    try:
        model.fit([*rows.texts[:-1], None], rows.y)
    except ValueError:
        sentence = "a fit that is refused must leave the earlier fit as it was."
        assert_same(outputs(model, UNSEEN), outputs(fitted(est), UNSEEN), sentence, 0.0)
        return
    raise AssertionError("a missing text is accepted by fit; it must be refused with a ValueError.")


def check_global_random_state(est: Any) -> None:
    """`fit` and `predict` draw nothing from, and never seed, the random generators that others use."""
    rows = rows_for(est)
    before = (pickle.dumps(np.random.get_state()), random.getstate())
    fresh(est).fit(rows.texts, rows.y).predict(rows.texts)
    after = (pickle.dumps(np.random.get_state()), random.getstate())
    assert before == after, "fit must not touch the global random state; use random_state."


def check_silent(est: Any) -> None:
    """By default nothing is printed."""
    model, rows = fresh(est), rows_for(est)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        model.fit(rows.texts, rows.y).predict(rows.texts)
    assert not printed.getvalue(), f"fit and predict must be silent; they wrote {printed.getvalue()[:80]!r}."


def check_pickle(est: Any) -> None:
    """Unfitted and fitted, it goes through pickle unchanged."""
    assert pickle.loads(pickle.dumps(clone(est))).get_params().keys() == est.get_params().keys()
    expected = outputs(fitted(est), UNSEEN)
    copied = pickle.loads(pickle.dumps(fitted(est)))
    assert_same(outputs(copied, UNSEEN), expected, "pickling must keep predictions.", 0.0)


def check_joblib(est: Any) -> None:
    """Fitted, it goes through a joblib file unchanged."""
    expected = outputs(fitted(est), UNSEEN)
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(fitted(est), Path(folder, "model.joblib"))
        copied = joblib.load(Path(folder, "model.joblib"))
    assert_same(outputs(copied, UNSEEN), expected, "joblib must keep predictions.", 0.0)


def check_deepcopy(est: Any) -> None:
    """A deep copy predicts the same, and fitting it leaves the original alone."""
    rows = rows_for(est)
    original = fresh(est).fit(rows.texts, rows.y)
    expected, copied = outputs(original, UNSEEN), copy.deepcopy(original)
    assert_same(outputs(copied, UNSEEN), expected, "deepcopy must keep predictions.", 0.0)
    copied.fit(rows.texts[:-10], rows.y[:-10])
    sentence = "fitting a deep copy must not change the original."
    assert_same(outputs(original, UNSEEN), expected, sentence, 0.0)


def check_pickle_holds_no_key(est: Any) -> None:
    """API keys of the environment at fit time are neither in the pickle nor in repr nor in get_params."""
    rows = rows_for(est)
    with _planted_keys(est):
        model = fresh(est).fit(rows.texts, rows.y)
        shown = {"pickle": pickle.dumps(model, protocol=0).decode("latin-1"), "repr": repr(model)}
        shown["get_params"] = repr(model.get_params())
    for where, text in shown.items():
        assert PLANTED_KEY not in text, f"an API key of the environment is in its {where}."


@contextlib.contextmanager
def _planted_keys(est: Any) -> Iterator[None]:
    names = {"OPENAI_API_KEY", "HF_TOKEN"}
    names |= {
        str(value) for name, value in est.get_params().items() if name.endswith("api_key_env") and value
    }
    with mock.patch.dict(os.environ, dict.fromkeys(names, PLANTED_KEY)):
        yield


def check_pickle_holds_no_weights(est: Any) -> None:
    """The pickle of a fitted estimator refers to no live model, connection or lock, and stays small."""
    data = pickle.dumps(fitted(est))
    words = {str(argument) for _, argument, _ in pickletools.genops(data) if isinstance(argument, str)}
    modules = sorted(word for word in words if word.split(".")[0].split(" ")[0] in HEAVY)
    assert not modules, f"its pickle must hold no language model or handle; it refers to {modules}."
    assert len(data) < 5_000_000, (
        f"its pickle of a toy fit is {len(data):,} bytes: it holds more than a model."
    )


CHECKS = [
    check_init_only_assigns,
    check_parameters_are_explicit,
    check_get_and_set_params,
    check_clone,
    check_tags,
    check_repr,
    check_not_fitted,
    check_fit_returns_self,
    check_fit_leaves_params,
    check_fit_leaves_inputs,
    check_learned_attributes,
    check_refit,
    check_refused_rows_leave_the_fit,
    check_global_random_state,
    check_silent,
    check_pickle,
    check_joblib,
    check_deepcopy,
    check_pickle_holds_no_key,
    check_pickle_holds_no_weights,
]
