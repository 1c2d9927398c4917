"""The whole audit: every part in its turn, and one report of what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interpllm.audit.base import Finding, Measure, interval
from interpllm.audit.claim_base import Claim
from interpllm.audit.claim_checks import Unreadable, check_claims, frame_of
from interpllm.audit.display import display
from interpllm.audit.faithfulness import faithfulness
from interpllm.audit.invariance import invariance
from interpllm.audit.judges import reader
from interpllm.audit.leakage import leakage
from interpllm.audit.simulatability import plan_simulatability, simulatability
from interpllm.audit.stability import Fit, stability
from interpllm.audit.subject import Subject, listed
from interpllm.display import Block, Note, Section, as_json, fragment, page
from interpllm.errors import InputError, LLMError
from interpllm.llm import LanguageModel, Plan, Session, as_session
from interpllm.runtime.ledger import printable

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Audit of a readable model"


@dataclass(frozen=True)
class Audited:
    """What every part of an audit is given.

    Parameters
    ----------
    X : container of texts, frame, or rows with columns by name
        Rows that the model was not fitted on.
    y : sequence of labels or numbers, optional
    train : (rows, labels), optional
        What the model was fitted on.
    fit : callable, optional
        (X, y, seed) -> fitted estimator or model.
    wordings : sequence
        Paraphrases of a prompt that `fit` takes as a fourth argument.
    llm : Session, optional
        Judge of what the printed model tells a reader; without one a program reads it.
    claims : sequence of Claim or Unreadable
        About the rows or the model.
    random_state : int
    """

    X: Any
    y: Sequence[Any] | None = None
    train: tuple[Any, Sequence[Any]] | None = None
    fit: Fit | None = None
    wordings: Sequence[Any] = ()
    llm: Session | None = None
    claims: Sequence[Claim | Unreadable] = ()
    random_state: int = 0


Part = Callable[[Any, Audited], Finding]
"""(model, what it is given) -> what it found."""


def _faithfulness(model: Any, given: Audited) -> Finding:
    return faithfulness(model, given.X, random_state=given.random_state)


def _display(model: Any, given: Audited) -> Finding:
    return display(model, given.X, random_state=given.random_state)


def _stability(model: Any, given: Audited) -> Finding:
    if given.fit is None or given.train is None:
        raise InputError("there is nothing to fit again: give the training rows and a function that fits")
    return stability(
        given.fit,
        *given.train,
        common=given.X,
        wordings=given.wordings,
        llm=given.llm,
        random_state=given.random_state,
    )


def _invariance(model: Any, given: Audited) -> Finding:
    return invariance(model, given.X, random_state=given.random_state)


def _leakage(model: Any, given: Audited) -> Finding:
    if given.y is None:
        raise InputError("there are no labels: give those of the rows")
    train = given.train[0] if given.train else None
    return leakage(model, given.X, given.y, train=train, random_state=given.random_state)


def _simulatability(model: Any, given: Audited) -> Finding:
    if given.llm is None:  # a program reads the whole model, however long it is
        return simulatability(
            model, given.X, judge=reader, max_characters=None, random_state=given.random_state
        )
    return simulatability(model, given.X, judge=given.llm, random_state=given.random_state)


def _claims(model: Any, given: Audited) -> Finding:
    rows = [row if isinstance(row, Mapping) else {"text": row} for row in listed(given.X, columns=True)]
    frame = frame_of(rows)
    if given.y is not None and "label" not in frame:
        frame["label"] = list(given.y)
    return check_claims(given.claims, frame, model).finding()


PARTS: Mapping[str, Part] = {
    "faithfulness": _faithfulness,
    "display": _display,
    "simulatability": _simulatability,
    "stability": _stability,
    "invariance": _invariance,
    "leakage": _leakage,
}


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Parameters
    ----------
    model : str
        What was audited, in a line.
    n_rows : int
        Rows that it was audited on.
    findings : tuple of Finding
        One a part, those that could not be carried out among them.
    """

    model: str
    n_rows: int
    findings: tuple[Finding, ...]

    @property
    def requests(self) -> int:
        """Replies of a language model that the findings rest on, stored ones included."""
        return sum(finding.requests for finding in self.findings)

    @property
    def tokens(self) -> int:
        """Tokens sent to a language model and received from it."""
        return sum(finding.tokens for finding in self.findings)

    @property
    def failed(self) -> tuple[tuple[str, Measure], ...]:
        """The figures that did not pass, each with its part."""
        return tuple(
            (finding.name, measure)
            for finding in self.findings
            for measure in finding.measures
            if measure.passed is False
        )

    def frame(self) -> pd.DataFrame:
        """One row a figure: its part, and the fields of `Measure`."""
        import pandas as pd

        frames = [finding.frame().assign(part=finding.name) for finding in self.findings if finding.measures]
        columns = ["part", *Measure.__annotations__]
        return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data; the same rows, seed and replies give the same data."""
        return {
            "model": self.model,
            "n_rows": self.n_rows,
            "findings": [finding.as_dict() for finding in self.findings],
            "requests": self.requests,
        }

    def to_json(self, indent: int | None = None) -> str:
        """All of it as JSON; figures that there are not are null.

        Parameters
        ----------
        indent : int, optional
        """
        return as_json(self.as_dict(), indent)

    def blocks(self) -> list[Block]:
        """What a page shows of it."""
        judged = [m for finding in self.findings for m in finding.measures if m.passed is not None]
        undone = [finding for finding in self.findings if finding.error is not None]
        passed = len(judged) - len(self.failed)
        lead = f"{self.model}, on {self.n_rows} rows. {passed} of {len(judged)} figures that can pass do."
        blocks: list[Block] = [Note(lead)]
        if self.failed:
            names = "; ".join(f"{measure.name} ({part})" for part, measure in self.failed)
            blocks.append(Note(f"Not passed: {names}.", "warning"))
        if undone:
            blocks.append(
                Note(f"Not carried out: {', '.join(finding.name for finding in undone)}.", "warning")
            )
        blocks += [finding.section() for finding in self.findings]
        blocks.append(Section("Language model", [Note(self._foot())]))
        return blocks

    def _foot(self) -> str:
        if not self.requests:
            return "No language model was asked."
        return f"{self.requests:,} replies, stored ones included; {self.tokens:,} tokens sent and received."

    def to_html(self) -> str:
        """A whole page, self-contained, to be kept as a file."""
        return page(TITLE, self.blocks())

    def _repr_html_(self) -> str:
        return fragment(TITLE, self.blocks())

    def __str__(self) -> str:
        lines = [f"{TITLE}: {self.model}, {self.n_rows} rows"]
        for finding in self.findings:
            if finding.error is not None:
                lines += ["", f"{finding.name}: not carried out: {finding.error}"]
                continue
            lines += ["", f"{finding.name}: {finding.question}"]
            lines += [f"  {told(measure)}" for measure in finding.measures]
        return printable("\n".join([*lines, "", self._foot()]))


def told(measure: Measure) -> str:
    """A figure as a line: its name, value, interval, null, and whether it passed."""
    if measure.value != measure.value:
        return f"{measure.name}: not measured ({measure.note})"
    parts = [f"{measure.value:.3g}"]
    if interval(measure):
        parts[0] += f" ({interval(measure)})"
    if measure.null is not None:
        parts.append(f"null {measure.null:.3g}")
    if measure.p_value is not None:
        parts.append(f"p {measure.p_value:.2g}")
    if measure.passed is not None:
        parts.append("passed" if measure.passed else "NOT PASSED")
    return f"{measure.name}: {', '.join(parts)}"


def audit(
    model: Any,
    X: Any,
    y: Sequence[Any] | None = None,
    *,
    train: tuple[Any, Sequence[Any]] | None = None,
    fit: Fit | None = None,
    wordings: Sequence[Any] = (),
    llm: str | Session | LanguageModel | None = None,
    claims: Sequence[Claim | Unreadable] | None = None,
    parts: Mapping[str, Part] = PARTS,
    random_state: int = 0,
) -> AuditReport:
    """Try to break a model and what it tells of itself.

    Parameters
    ----------
    model : model of `interpllm.runtime`, or a fitted estimator
        It has to predict without a language model.
    X : container of n_rows texts, frame, or rows with columns by name
        Rows that it was not fitted on.
    y : sequence of n_rows labels or numbers, optional
        For leakage.
    train : (rows, labels), optional
        What it was fitted on, for stability and leakage.
    fit : callable, optional
        (X, y, seed) -> fitted estimator or model, for stability.
    wordings : sequence, optional
        Paraphrases of a prompt: ``fit(X, y, seed, wording)`` is called with each.
    llm : str, Session or LanguageModel, optional
        The one that parts ask, as `interpllm.llm.connect` takes it; where `fit` asks one, too, the session of
        it. Its replies are counted.
    claims : sequence of Claim or Unreadable, optional
        Checked on these rows and the model. A text is the column "text", and y the column "label".
    parts : mapping of str to callable
        Name -> (model, Audited) -> Finding.
    random_state : int

    Returns
    -------
    AuditReport
        A part that lacks something, cannot treat such a model, or whose language model failed is an error in
        it, and has no figure.

    Raises
    ------
    InputError
        If it is no readable model, or cannot predict these rows.
    """
    session = as_session(llm)
    subject = Subject(model, X)
    given = Audited(X, y, train, fit, wordings, session, claims or (), random_state)
    if claims is not None:
        parts = {**parts, "claims": _claims}
    findings = []
    for name, part in parts.items():
        try:
            findings.append(part(subject.model, given))
        except (InputError, LLMError) as error:
            findings.append(Finding(name, "", error=str(error)))
    return AuditReport(repr(subject.model).strip("<>"), len(subject.rows), tuple(findings))


def plan_audit(
    model: Any, X: Any, *, llm: str | Session | LanguageModel | None = None, random_state: int = 0
) -> Plan:
    """What :func:`audit` would ask the language model; sends nothing.

    Parameters
    ----------
    model, X, llm, random_state
        As for :func:`audit`.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        As :func:`audit`, and when the printed model cannot be judged.
    """
    session = as_session(llm)
    if session is None:
        return Plan()
    return plan_simulatability(model, X, judge=session, random_state=random_state)
