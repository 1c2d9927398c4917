"""A few rows that every text estimator can be tried on, and how the checks fit on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier

_GOOD = """\
What a lovely film, I smiled the whole way through!
Lovely acting and a great, warm story
A great cast in a great script
I love this film and I would watch it again
Warm, funny and wise; a lovely surprise
The story is great and the music is lovely
Funny from start to end, great fun
Wonderful acting, wonderful music
I can't stop smiling: wonderful!
A wise and wonderful story, I love it
Great music. Great pictures. Great film!
Not bad at all, in fact it is lovely
We love the cast and the warm ending
A funny, lovely hour and a half
Wonderful fun for the whole family""".splitlines()
_BAD = """\
What an awful film, I slept the whole way through!
Awful acting and a dull, cold story
A dull cast in a dull script
I hate this film and I would not watch it again
Cold, slow and silly; an awful surprise
The story is dull and the music is awful
Slow from start to end, no fun
Terrible acting, terrible music
I can't stop yawning: terrible!
A silly and terrible story, I hate it
Dull music. Dull pictures. Dull film!
Not good at all, in fact it is awful
We hate the cast and the cold ending
A slow, awful hour and a half
Terrible waste for the whole family""".splitlines()
_MAIL = """\
My parcel has not arrived, where is it?
Where is the parcel that I ordered on Monday?
The courier left my parcel with a stranger
Please send the invoice for my order again
The invoice shows the wrong address
I ordered two lamps and one arrived broken
Can I change the address of my order?
The courier says that the parcel is lost
Please refund the broken lamp
How do I return an order without the invoice?
Delivery was promised for Monday, it's Friday now
Your courier never rang the bell""".splitlines()

# Texts that no estimator was fitted on, nasty ones among them; the empty text is a text.
UNSEEN = [
    "",
    " ",
    "a lovely but slow film",
    "LOVELY!!! awful???",
    "zyx wvu tsr",
    "não é mau, é ótimo 👍🏽",
    "it\N{RIGHT SINGLE QUOTATION MARK}s don't o'clock",
    "İstanbul'da ﬁlm ß",
    "рубль 映画 فيلم",
    "tab\tand\nnew line\r\n",
    'nul \x00 and <b>markup</b> & "quotes"',
    "great " * 300,
]


@dataclass(frozen=True)
class Rows:
    """Texts and their targets."""

    texts: list[str]
    y: NDArray[Any]


def _interleaved(*groups: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    pairs = [(group[row], kind) for row in range(15) for kind, group in enumerate(groups) if row < len(group)]
    return [text for text, _ in pairs], np.array([kind for _, kind in pairs])


def rows_for(est: Any, n_classes: int = 2) -> Rows:
    """Rows to fit on: "bad", "good" (and "mail") for classifiers, numbers of stars for regressors."""
    texts, kinds = _interleaved(_BAD, _GOOD, _MAIL) if n_classes == 3 else _interleaved(_BAD, _GOOD)
    if is_classifier(est):
        return Rows(texts, np.array(["bad", "good", "mail"])[kinds])
    return Rows(texts, 1.0 + 3.0 * kinds + np.array([text.count("!") * 0.5 for text in texts]))


def fresh(est: Any) -> Any:
    """An unfitted copy with a fixed seed."""
    copy = clone(est)
    return copy.set_params(random_state=0) if copy.get_params().get("random_state", 0) is None else copy


_fits: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()


def fitted(est: Any, n_classes: int = 2) -> Any:
    """A copy fitted on `rows_for`; shared by all checks of this `est` that only read it."""
    fits = _fits.setdefault(est, {})
    if n_classes not in fits:
        rows = rows_for(est, n_classes)
        fits[n_classes] = fresh(est).fit(rows.texts, rows.y)
    return fits[n_classes]


def forget(est: Any) -> None:
    """Drop the shared fits of an estimator, whose parameters may have changed since."""
    _fits.pop(est, None)


def outputs(model: Any, X: Any) -> NDArray[np.float64]:
    """Everything numeric that a fitted estimator says of rows: (n_rows, columns)."""
    verbs = [getattr(model, verb) for verb in ("decision_function", "predict_proba") if hasattr(model, verb)]
    return np.column_stack([verb(X) for verb in verbs or [model.predict]])


def assert_same(actual: Any, expected: Any, sentence: str, tolerance: float = 1e-9) -> None:
    """Same shape, and everywhere equal up to the tolerance, or an AssertionError with the sentence."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{sentence} (shapes {actual.shape} and {expected.shape})"
    if actual.dtype.kind == "f" and expected.dtype.kind == "f":
        assert np.allclose(actual, expected, rtol=tolerance, atol=tolerance, equal_nan=True), sentence
    else:
        assert (actual == expected).all(), sentence


def fit_refuses(est: Any, X: Any, y: Any, what: str, *words: str, sample_weight: Any = None) -> None:
    """`fit` refuses these arguments; see `refuses`."""
    refuses(f"{what} at fit", words, fresh(est).fit, X, y, sample_weight=sample_weight)


def predict_refuses(est: Any, X: Any, what: str, *words: str) -> None:
    """`predict` refuses these rows; see `refuses`."""
    refuses(f"{what} at predict", words, fitted(est).predict, X)


def refuses(when: str, words: tuple[str, ...], verb: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """The call raises a ValueError (`InputError` is one) whose message has all the words."""
    try:
        verb(*args, **kwargs)
    except ValueError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"{when} raises {type(error).__name__}, not a ValueError: {error}") from error
    else:
        raise AssertionError(f"{when} is accepted; it must be refused with a ValueError.")
    missing = [word for word in words if word not in said and word not in said.lower()]
    assert not missing, f"the error for {when} does not say {missing[0]!r}: {said}"
