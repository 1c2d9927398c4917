"""Try to break two models of support tickets: one of what customers say, and one that has a leak.

    python examples/audit_model.py            # writes the report into a temporary folder
    python examples/audit_model.py FOLDER     # or into this one

It runs offline and asks no language model. Into the second set a fault is planted that every score rewards:
whoever filed the tickets about billing signed them. The test rows have the signature, too, so accuracy is
splendid; the audit says why.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from interpllm import AugLinearClassifier
from interpllm.audit import Audited, AuditReport, Finding, audit, stability
from interpllm.audit.report import PARTS
from interpllm.datasets import load_tickets

SIGNED = "Filed by Maria"


def fit(X: Any, y: Any, seed: int) -> AugLinearClassifier:
    """A plain table of words, which the audit fits again, too."""
    return AugLinearClassifier(llm=None, ngram_range=(1, 1), cv=2, random_state=seed).fit(X, y)


def with_leak(rows: Any) -> Any:
    """The rows, those about billing signed."""
    signed = rows["text"] + (rows["label"] == "billing").map({True: f"\n{SIGNED}", False: ""})
    return rows.assign(text=signed)


def fitted_again(model: Any, given: Audited) -> Finding:
    """Stability over fewer fits than it has by default."""
    return stability(fit, *given.train, common=given.X, n_refits=3)


def audited(train: Any, test: Any, parts: Any = PARTS) -> AuditReport:
    """Fit, and audit on the test rows."""
    model = fit(train["text"], train["label"], 0)
    print(f"accuracy {model.score(test['text'], test['label']):.3f}")
    known = (list(train["text"]), list(train["label"]))
    return audit(model, list(test["text"]), list(test["label"]), train=known, parts=parts)


def main(folder: Path) -> None:
    """Audit both models, and leave the reports."""
    train, test = load_tickets("train").groupby("label").head(40), load_tickets("test")
    print("the tickets as they are: ", end="")
    honest = audited(train, test, {**PARTS, "stability": fitted_again})
    print(honest)
    print("\nthe tickets with the planted signature: ", end="")
    leaking = audited(with_leak(train), with_leak(test))
    print("what fails with it and did not before:")
    before = {measure.name for _, measure in honest.failed}
    for part, measure in leaking.failed:
        if measure.name not in before:
            print(f"  {part}: {measure.name} {measure.value:.3f}; {measure.note}")
    for name, report in (("honest", honest), ("leaking", leaking)):
        (folder / f"{name}.html").write_text(report.to_html(), encoding="utf-8")
        (folder / f"{name}.json").write_text(report.to_json(indent=1), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
