"""Claims executed on data: supported, contradicted, or why neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interpllm.audit.base import Finding, Measure
from interpllm.audit.claim_base import Claim
from interpllm.audit.claim_documents import as_document
from interpllm.audit.claims import DataClaim
from interpllm.audit.data_checks import check_data_claim
from interpllm.audit.model_claims import ModelClaim, check_model_claim
from interpllm.audit.subject import readable
from interpllm.audit.verdicts import CONTRADICTED, SUPPORTED, UNCHECKABLE, Found
from interpllm.audit.where import Uncheckable
from interpllm.display import Block, Note, Table, as_json, fragment, page
from interpllm.errors import InputError
from interpllm.runtime.ledger import printable
from interpllm.select.inference import holm, share

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Claims, checked"
MEANING = (
    "Supported: about a population, the whole 95 % interval of the figure satisfies the claim; about these "
    "rows, the figure does. Contradicted: none of it does. Uncheckable is neither, and says why. A supported "
    "claim is one that these rows bear out: it says nothing of causes, and a claim about a population holds "
    "for what the rows are a random sample of. Intervals are told claim by claim; with many claims a few are "
    "on the wrong side by chance, and the adjusted p (Holm) says which would still stand."
)


@dataclass(frozen=True)
class Unreadable:
    """A sentence that was not turned into a claim.

    Parameters
    ----------
    sentence : str
    why : str
    failed : bool
        Whether there was no usable reply; else the sentence says nothing that could be computed.
    """

    sentence: str
    why: str
    failed: bool = False


@dataclass(frozen=True)
class CheckedClaim:
    """A claim and what came of it.

    Attributes
    ----------
    claim : Claim or Unreadable
    verdict : {"supported", "contradicted", "uncheckable"}
    found : Found or None
    why : str
        Why it is uncheckable.
    """

    claim: Claim | Unreadable
    verdict: str
    found: Found | None = None
    why: str = ""


@dataclass(frozen=True)
class ClaimsReport:
    """What came of checking claims.

    Attributes
    ----------
    checked : tuple of CheckedClaim
        In the order in which they were given.
    n_rows : int
        Of the data.
    """

    checked: tuple[CheckedClaim, ...]
    n_rows: int

    @property
    def verdicts(self) -> list[str]:
        """One a claim."""
        return [one.verdict for one in self.checked]

    def frame(self) -> pd.DataFrame:
        """One row a claim.

        Returns
        -------
        DataFrame
            ``sentence``, ``claim`` (what was checked, in words), ``kind``, ``scope``, ``verdict``,
            ``figure``, ``low`` and ``high`` (its 95 % interval), ``p_value``, ``p_adjusted`` (Holm, over the
            claims that have one), ``n`` (rows or terms that it rests on), ``why`` (it is uncheckable) and
            ``note``.
        """
        import pandas as pd

        p = {
            number: one.found.p_value
            for number, one in enumerate(self.checked)
            if one.found is not None and one.found.p_value is not None
        }
        adjusted = dict(zip(p, holm([*p.values()]), strict=True))
        rows = []
        for number, one in enumerate(self.checked):
            found = one.found if one.found is not None else Found(float("nan"))
            claim = one.claim
            rows.append(
                {
                    "sentence": claim.sentence,
                    "claim": claim.words() if isinstance(claim, Claim) else "",
                    "kind": claim.kind if isinstance(claim, Claim) else "",
                    "scope": claim.scope if isinstance(claim, DataClaim) else "",
                    "verdict": one.verdict,
                    "figure": found.value,
                    "low": _or_nan(found.low),
                    "high": _or_nan(found.high),
                    "p_value": _or_nan(found.p_value),
                    "p_adjusted": float(adjusted.get(number, float("nan"))),
                    "n": found.n,
                    "why": one.why,
                    "note": found.note,
                }
            )
        names = "sentence claim kind scope verdict figure low high p_value p_adjusted n why note"
        return pd.DataFrame(rows, columns=names.split())

    def finding(self) -> Finding:
        """As a part of an audit: how many claims came out how, each share with Wilson's interval."""
        counts = {name: self.verdicts.count(name) for name in (SUPPORTED, CONTRADICTED, UNCHECKABLE)}
        n = len(self.checked)
        measures = [
            Measure(f"share of claims {name}", *share(count, n), n=n) for name, count in counts.items() if n
        ]
        question = f"Which of {n} sentences do {self.n_rows} rows bear out?"
        return Finding("claims", question, measures, MEANING, {"claims": self.frame()})

    def as_dict(self) -> dict[str, Any]:
        """Plain data: each claim as a document, and its row of the frame."""
        documents = [as_document(one.claim) if isinstance(one.claim, Claim) else None for one in self.checked]
        rows = self.frame().to_dict("records")
        return {
            "n_rows": self.n_rows,
            "claims": [
                {**{str(name): value for name, value in row.items()}, "document": document}
                for row, document in zip(rows, documents, strict=True)
            ],
        }

    def to_json(self, indent: int | None = None) -> str:
        """All of it as JSON; the same claims and rows give the same bytes."""
        return as_json(self.as_dict(), indent)

    def to_html(self) -> str:
        """A whole page, self-contained."""
        return page(TITLE, self._blocks())

    def _repr_html_(self) -> str:
        return fragment(TITLE, self._blocks())

    def _blocks(self) -> list[Block]:
        names = "sentence claim verdict figure low high p_value p_adjusted n why"
        return [Note(f"{self._counts()}."), Table(self.frame()[names.split()]), Note(MEANING)]

    def __str__(self) -> str:
        """A claim on a few lines: verdict and sentence, what was checked, and the figure."""
        lines = []
        for row in self.frame().to_dict("records"):
            lines.append(f"{row['verdict']:<13} {_on_a_line(row['sentence'] or row['claim'])}")
            if row["sentence"] and row["claim"]:
                lines.append(f"{'':<13} = {_on_a_line(row['claim'])}")
            if row["figure"] == row["figure"]:
                interval = f" ({row['low']:.4g} to {row['high']:.4g})" if row["low"] == row["low"] else ""
                p = f", p {row['p_value']:.2g}, adjusted {row['p_adjusted']:.2g}"
                note = f"; {_on_a_line(row['note'])}" if row["note"] else ""
                told = f"{row['figure']:.4g}{interval}{p if row['p_value'] == row['p_value'] else ''}"
                lines.append(f"{'':<13} {told}, n {row['n']}{note}")
            if row["why"]:
                lines.append(f"{'':<13} {_on_a_line(row['why'])}")
        return "\n".join([*lines, self._counts()])

    def _counts(self) -> str:
        told = ", ".join(f"{self.verdicts.count(v)} {v}" for v in (SUPPORTED, CONTRADICTED, UNCHECKABLE))
        return f"{len(self.checked)} claims on {self.n_rows} rows: {told}"


def check_claims(claims: Sequence[Claim | Unreadable], data: Any, model: Any = None) -> ClaimsReport:
    """Compute whether claims hold.

    Parameters
    ----------
    claims : sequence of Claim or Unreadable
        As `interpllm.audit.claim_reader.read_claims` gives them, or made by their classes.
    data : DataFrame, mapping of str to list, or list of mappings
    model : readable model or fitted estimator, optional
        For claims about its terms.

    Returns
    -------
    ClaimsReport

    Raises
    ------
    InputError
        When `claims` holds something else, or the model is no readable one.
    """
    frame = frame_of(data)
    rules = None if model is None else readable(model).rules()

    def check(claim: Claim | Unreadable) -> CheckedClaim:
        if isinstance(claim, Unreadable):
            return CheckedClaim(claim, UNCHECKABLE, None, claim.why)
        try:
            if isinstance(claim, DataClaim):
                return CheckedClaim(claim, *check_data_claim(claim, frame))
            if not isinstance(claim, ModelClaim):
                raise InputError(f"Claims are objects of interpllm.audit, not {claim!r:.80}.")
            if rules is None:
                raise Uncheckable("it is about a model, and none was given")
            return CheckedClaim(claim, *check_model_claim(claim, rules))
        except Uncheckable as why:
            return CheckedClaim(claim, UNCHECKABLE, why.found, str(why))

    return ClaimsReport(tuple(map(check, claims)), len(frame))


def frame_of(data: Any) -> pd.DataFrame:
    """Data as a frame whose rows are numbered anew.

    Raises
    ------
    InputError
        When it has no columns or no rows, or two columns of one name.
    """
    import pandas as pd

    try:
        frame = data.to_pandas() if hasattr(data, "to_pandas") else pd.DataFrame(data)
    except ValueError as error:
        raise InputError(f"Claims are checked on a table: {error}.") from error
    if not len(frame.columns) or not len(frame):
        raise InputError("Claims are checked on a table of at least one column and one row.")
    if not all(isinstance(name, str) for name in frame.columns) or not frame.columns.is_unique:
        raise InputError(
            "The columns of the table need names, each of them once: pass a frame with such names."
        )
    return frame.reset_index(drop=True)


def _on_a_line(text: str) -> str:
    return " ".join(printable(text).split())


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
