"""The bundled example data: short support tickets of a fictional coffee machine company.

tickets.csv holds the rows; tickets.md says how they were made, what the labels mean and where they are weak.
"""

from __future__ import annotations

from importlib import resources
from typing import Literal

import pandas as pd

from interpllm.errors import InputError

__all__ = ["load_tickets"]

_SPLITS = ("train", "test")


def load_tickets(split: Literal["train", "test"] | None = None) -> pd.DataFrame:
    """Load the support tickets that come with interpllm.

    English messages to the support desk of a fictional company that sells coffee machines, an app and a bean
    subscription. The label is what the customer wants done: "account", "billing", "cancellation", "defect" or
    "delivery". The classes share many words on purpose: "refund", "return", "app" and "machine" occur in most
    of them. How they were made is told in tickets.md, which lies beside this file.

    Parameters
    ----------
    split : {"train", "test"} or None, default=None
        Which part of the fixed, stratified split to return (three quarters train, one quarter test);
        None returns all rows. The split was fixed before any model saw the rows.

    Returns
    -------
    pandas.DataFrame of shape (n_tickets, 2)
        Columns "text" and "label", both strings without missing values; index 0, 1, 2, ...

    Raises
    ------
    InputError
        `split` is none of the above.

    Examples
    --------
    >>> from interpllm.datasets import load_tickets
    >>> train = load_tickets("train")
    >>> list(train.columns)
    ['text', 'label']
    >>> sorted(train["label"].unique().tolist())
    ['account', 'billing', 'cancellation', 'defect', 'delivery']
    """
    if split is not None and split not in _SPLITS:
        raise InputError(
            f'split={split!r} is not a part of the tickets: use "train", "test" or None for all.'
        )
    file = resources.files(__name__).joinpath("tickets.csv")
    with file.open(encoding="utf-8") as lines:
        # A ticket may well consist of a word such as "null" or "NA": it is a text, not a missing value.
        tickets = pd.read_csv(lines, dtype=str, keep_default_na=False)
    if split is not None:
        tickets = tickets[tickets["split"] == split]
    return tickets[["text", "label"]].reset_index(drop=True)
