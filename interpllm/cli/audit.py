"""``interpllm audit``: try to break a model and what it tells of itself."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

from interpllm.cli.answering import rows_of
from interpllm.cli.options import (
    FORMAT_CHOICES,
    add_json,
    add_llm,
    add_model,
    add_rows,
    at_least_one,
    check_folders,
    llm_of,
    model_of,
)
from interpllm.cli.page import add_page, write_page
from interpllm.cli.table import Table, read
from interpllm.cli.terminal import safe, table
from interpllm.errors import InputError
from interpllm.runtime import Model
from interpllm.runtime.row_model import RowModel

HELP = "check that a model's explanations hold, on rows that it was not fitted on, each figure beside a null"
EXAMPLE = """\
  interpllm audit model.json held_out.csv --text text --label label
  interpllm audit model.json held_out.csv --train train.csv --html audit.html
  interpllm audit model.json held_out.csv --llm http://localhost:8000/v1 --plan"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    add_rows(command, "rows not trained on", "column of labels (default: label, where there is one)")
    command.add_argument(
        "--train",
        metavar="FILE",
        help="rows that the model was fitted on, with the same columns, for stability and leakage",
    )
    command.add_argument(
        "--train-format", choices=FORMAT_CHOICES, help="format of the training rows (default: by its suffix)"
    )
    command.add_argument(
        "--refits",
        type=at_least_one,
        default=5,
        metavar="N",
        help="3 or more fits over seeds, and as many over bootstraps, of a plain aug-linear model to the "
        "training rows (default: 5)",
    )
    add_llm(command, default=None, said="none: a program reads the printed model")
    command.add_argument("--plan", action="store_true", help="only say what it would take; send nothing")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    add_page(command)
    add_json(command, "print everything as one JSON document")


def run(args: argparse.Namespace) -> None:
    """Audit, write, and print a line a figure."""
    check_folders(args.html)
    model = model_of(args.model)
    data = read(args.data, args.format)
    train = read(args.train, args.train_format) if args.train else None
    # What the audit loads takes a second; a mistake in the files is said before.
    rows, labels = _rows(args, model, data), _labels(args, model, data)
    fitted_on = None
    if train is not None:
        known = _labels(args, model, train)
        if known is None:
            raise InputError(f"{train.source} has no column of labels; name it with --label.")
        fitted_on = (_rows(args, model, train), known)
    from interpllm.audit import audit, plan_audit
    from interpllm.llm import as_session

    judge = as_session(llm_of(args), cache=args.cache)
    if args.plan:
        plan = plan_audit(model, rows, llm=judge, random_state=args.seed)
        print(json.dumps(plan.as_dict()) if args.json else plan)
        return
    report = audit(
        model,
        rows,
        labels,
        train=fitted_on,
        llm=judge,
        parts=_parts(args, model),
        random_state=args.seed,
    )
    write_page(args, report)
    print(report.to_json() if args.json else drawn(report))


def drawn(report: Any) -> str:
    """A line a figure, part by part, and what did not pass."""
    lines = [f"{safe(report.model)}, {report.n_rows} rows"]
    for finding in report.findings:
        if finding.error is not None:
            lines += ["", f"{finding.name}: not carried out: {safe(finding.error)}"]
            continue
        lines += ["", _figures(finding)]
    n_judged = sum(measure.passed is not None for one in report.findings for measure in one.measures)
    lines += ["", f"{n_judged - len(report.failed)} of {n_judged} figures that can pass do"]
    lines += [f"{report.requests:,} replies of a language model, {report.tokens:,} tokens"]
    return "\n".join(lines)


def _figures(finding: Any) -> str:
    """The figures of a part as aligned columns."""
    from interpllm.audit.base import interval

    cells = [
        (
            measure.name,
            "-" if measure.value != measure.value else f"{measure.value:.3f}",
            interval(measure),
            "" if measure.null is None else f"{measure.null:.3f}",
            "" if measure.p_value is None else f"{measure.p_value:.2g}",
            {None: "", True: "passed", False: "NOT PASSED"}[measure.passed],
        )
        for measure in finding.measures
    ]
    return table((finding.name, "value", "95 %", "null", "p", ""), cells, right=("value", "null", "p"))


def _rows(args: argparse.Namespace, model: Model, data: Table) -> list[Any]:
    """Texts, or rows with the columns that the model looks at."""
    return rows_of(args, model, data) if isinstance(model, RowModel) else data.texts(args.text)


def _labels(args: argparse.Namespace, model: Model, data: Table) -> list[Any] | None:
    """The labels, where there are any."""
    if args.label is None and "label" not in data.columns:
        return None
    return data.numbers(args.label) if model.task == "regression" else data.labels(args.label)


def _parts(args: argparse.Namespace, model: Model) -> dict[str, Any]:
    """The parts of the audit; stability is that of a plain model, fitted without a language model."""
    from interpllm.audit import Audited, Finding, stability
    from interpllm.audit.report import PARTS
    from interpllm.estimators import AugLinearClassifier, AugLinearRegressor

    kind = AugLinearRegressor if model.task == "regression" else AugLinearClassifier

    def refit(X: Any, y: Any, seed: int) -> Any:
        return kind(llm=None, random_state=seed).fit(X, y)

    def stable(model: Model, given: Audited) -> Finding:
        if given.train is None:
            raise InputError("give the training rows with --train")
        if not isinstance(given.train[0][0], str):
            raise InputError("a model of columns is not fitted again here; interpllm.audit.stability can")
        found = stability(refit, *given.train, common=given.X, n_refits=args.refits, random_state=args.seed)
        return replace(found, name="stability of a plain model")

    return {**PARTS, "stability": stable}
