"""A model as one Python file that needs nothing but Python.

The tokenizer, the scorers and the verbs are the source of the library's own modules, so an exported model
runs the same code as the library. Of the model only two sorts of text enter the file: ``repr`` of plain
values, and phrases, which hold nothing but words and single spaces; neither can end a string literal or a
line.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from interpllm.errors import ExportError
from interpllm.export import standalone, standalone_rows
from interpllm.export.check import Answers, Request, Trial
from interpllm.export.walk import require_deployable
from interpllm.runtime import (
    Branch,
    ConceptLinear,
    ConceptTree,
    Condition,
    LinearModel,
    Model,
    RuleListModel,
    RuleSetModel,
    TreeModel,
    concept_scoring,
    row_scoring,
    scoring,
    tokens,
    tree_scoring,
)
from interpllm.runtime.row_model import RowModel

_SECONDS = 600

# A text with one of these cannot be given as one line of UTF-8.
_NO_LINE = re.compile("[\r\n\ud800-\udfff]")

_HEAD = '''"""A readable model of text, made with interpllm. It needs Python 3.11 or newer and nothing else.

    python {name} < rows.txt        one {row} a line in, one prediction a line out

From Python: import the file; it has predict, predict_proba and decision_function, each taking a list of
rows. {how}
"""
'''

_HOW_LINEAR = """The score of a text is INTERCEPT plus the sum of the weights in TABLE of its distinct
n-grams, divided by 1 or, where NORM is "sqrt", by the square root of the number of its distinct n-grams."""

_HOW_CONCEPTS = """The score of a text is INTERCEPT plus, for each of QUESTIONS, its row of WEIGHTS times its
answer (the probability of yes by its table of n-grams in STAND_INS), plus the score by RESIDUAL, if any."""

_HOW_TREE = """A text goes through NODES from the first one: an answer above 1/2 to the question of a node
leads to its yes branch, else to its no branch. The answer is the probability of yes by the table of n-grams
in STAND_INS. The value of the last node is the probabilities of CLASSES; of a regression, the prediction."""

_HOW_ROWS = {
    TreeModel: """A row goes through each of TREES from its first node: to its yes branch where its condition
holds, else to its no branch; where that cannot be told, the way that `missing` names. The values of the last
nodes are put together, and LINK says what they are.""",
    RuleListModel: """The first of RULES of which all conditions hold decides, else OTHERWISE.""",
    RuleSetModel: """INTERCEPT, the weights of all RULES of which all conditions hold, those of SLOPES times
the value of a column, and TERM_WEIGHTS times the number that TERMS gives a phrase are added up; LINK says
what the sum is.""",
}

_TABLE = '''
# Weights (one an output), a tab, an n-gram; strongest first.
TABLE = """
{lines}
"""

SCORER = Scorer(read_table(TABLE), INTERCEPT, NGRAM_RANGE, NORM)
'''

_STAND_INS = """
# What answers the questions. Each line of a table: weight, a tab, an n-gram; strongest first.
STAND_INS = [
{tables}
]
"""

_RESIDUAL = """\
# What n-grams add. Each line of the table: weights (one an output), a tab, an n-gram; strongest first.
RESIDUAL = {residual}
"""

_NODES = """
# A text begins at the first; questions and branches are numbers, counted from 0.
NODES = [
{nodes}
]"""

_MAIN = """
if __name__ == "__main__":
    main()
"""

# What a bare interpreter is told to do with the file: answer the texts of standard input as JSON.
_RERUN = """
import json, runpy, sys
model = runpy.run_path(sys.argv[1])
rows = json.load(sys.stdin)
json.dump(
    {
        "scores": model["decision_function"](rows),
        "probabilities": model["predict_proba"](rows) if model["CLASSES"] else [],
        "predictions": model["predict"](rows),
    },
    sys.stdout,
)
"""


def render(model: Model, request: Request) -> str:
    """Write a model as the source of a Python program.

    Parameters
    ----------
    model : any kind of model
    request : Request

    Returns
    -------
    str

    Raises
    ------
    ExportError
        If a question of the model needs a language model.
    """
    require_deployable(model)
    if isinstance(model, LinearModel):
        return _program(request.name, "text", _HOW_LINEAR, [], _linear(model))
    if isinstance(model, ConceptLinear):
        return _program(request.name, "text", _HOW_CONCEPTS, [concept_scoring], _concept_linear(model))
    if isinstance(model, ConceptTree):
        scorers = [concept_scoring, tree_scoring]
        return _program(request.name, "text", _HOW_TREE, scorers, _concept_tree(model))
    scorers = [concept_scoring, row_scoring, standalone_rows]
    row = "row in JSON" if model.columns else "text"
    return _program(request.name, row, _HOW_ROWS[type(model)], scorers, _rows(model))


def _program(name: str, row: str, how: str, scorers: list[ModuleType], parts: list[str]) -> str:
    """Put a program together: its help, the code it shares with the library, and what is the model's own."""
    imports: dict[str, set[str]] = {}
    bodies = [_body(module, imports) for module in (tokens, scoring, *scorers, standalone)]
    return "\n".join(
        [
            _HEAD.format(name=ascii(name)[1:-1], row=row, how=how),
            "from __future__ import annotations\n",
            *_import_lines(imports),
            *bodies,
            *parts,
            _MAIN,
        ]
    )


def _linear(model: LinearModel) -> list[str]:
    constants = {"NGRAM_RANGE": model.ngram_range, "NORM": model.norm, "INTERCEPT": model.intercept}
    return [_constants(model, **constants), _TABLE.format(lines=_lines(model))]


def _concept_linear(model: ConceptLinear) -> list[str]:
    constants = {"INTERCEPT": model.intercept, "WEIGHTS": model.weights, "MEANS": model.means}
    residual = _scorer(model.residual) if model.residual else None
    return [
        _constants(model, QUESTIONS=_texts(model), **constants),
        _stand_ins(model),
        _RESIDUAL.format(residual=residual),
        "SCORER = ConceptScorer(INTERCEPT, WEIGHTS, MEANS, STAND_INS, RESIDUAL)",
    ]


def _concept_tree(model: ConceptTree) -> list[str]:
    nodes = "\n".join(f"    {node!r}," for node in model.nodes)
    return [
        _constants(model, QUESTIONS=_texts(model)),
        _NODES.format(nodes=nodes),
        _stand_ins(model),
        "SCORER = TreeScorer(NODES, STAND_INS)",
    ]


def _rows(model: TreeModel | RuleListModel | RuleSetModel) -> list[str]:
    """Write a model of conditions: what is looked at, then what is decided by."""
    text = model.text if model.reads_text else None
    constants = _constants(model, LINK=model.link, TEXT=text, COLUMNS=dict(model.columns))
    stand_ins = (f"    {name!r}: {_scorer(table)},\n" for name, table in model.stand_ins.items())
    parts = [constants, f"STAND_INS = {{\n{''.join(stand_ins)}}}", f"TERMS = {_terms(model)}"]
    if isinstance(model, TreeModel):
        trees = "".join(f"    [\n{''.join(map(_branch, tree))}    ],\n" for tree in model.trees)
        parts += [f"TREES = [\n{trees}]", f"INTERCEPT = {model.intercept!r}"]
        scorer = f"TreesScorer(TREES, {model.combine!r}, INTERCEPT)"
    else:
        rules = "".join(f"    ({_plain(c.conditions)}, {c.value!r}),\n" for c in model.clauses)
        parts.append(f"RULES = [\n{rules}]")
        if isinstance(model, RuleListModel):
            parts.append(f"OTHERWISE = {model.otherwise!r}")
            scorer = "ListScorer(RULES, OTHERWISE)"
        else:
            slopes = [tuple(slope) for slope in model.slopes]
            weights = "".join(f"    {phrase!r}: {value!r},\n" for phrase, value in model.term_weights.items())
            parts.append(f"SLOPES = {slopes!r}\nINTERCEPT = {model.intercept!r}")
            parts.append(f"TERM_WEIGHTS = {{\n{weights}}}")
            scorer = "SetScorer(RULES, SLOPES, TERM_WEIGHTS, INTERCEPT)"
    return [*parts, f"SCORER = RowsScorer({scorer}, LINK, TEXT, COLUMNS, STAND_INS, TERMS)"]


def _branch(node: Branch) -> str:
    condition = None if node.condition is None else _condition(node.condition)
    rest = f"{node.yes!r}, {node.no!r}, {node.value!r}, {node.n_rows!r}, {node.missing!r}"
    return f"        Branch({condition}, {rest}),\n"


def _plain(conditions: Sequence[Condition]) -> str:
    return f"[{', '.join(map(_condition, conditions))}]"


def _condition(condition: Condition) -> str:
    """Write a condition as the scorers read it; sets in order, for the same bytes each time."""
    kind, *parts = condition.plain
    written = (
        f"frozenset({sorted(part)!r})" if isinstance(part, frozenset) else repr(part) for part in parts
    )
    return f"({kind!r}, {', '.join(written)})"


def _terms(model: RowModel) -> str:
    if model.vectorizer is None:
        return "None"
    v = model.vectorizer
    idf = "".join(f"    {phrase!r}: {value!r},\n" for phrase, value in v.idf.items())
    return f"Terms({{\n{idf}}}, {v.cut}, {v.ngram_range!r}, {v.stop_words!r}, {v.count!r}, {v.norm!r})"


def _constants(model: Model, **values: object) -> str:
    named = {"TARGET": model.target, "CLASSES": model.classes, **values}
    return "\n" + "\n".join(f"{key} = {value!r}" for key, value in named.items())


def _texts(model: ConceptLinear | ConceptTree) -> list[tuple[str, str]]:
    return [(question.id, question.text) for question in model.questions]


def _lines(model: LinearModel) -> str:
    """Give a table as lines, strongest first."""
    rows = (f"{' '.join(map(repr, model.weights[rule.phrase]))}\t{rule.phrase}" for rule in model.rules())
    return "\n".join(rows)


def _scorer(model: LinearModel) -> str:
    rest = f"{model.intercept!r}, {model.ngram_range!r}, {model.norm!r}"
    return f'Scorer(read_table("""\n{_lines(model)}\n"""), {rest})'


def _stand_ins(model: ConceptLinear | ConceptTree) -> str:
    scorers = [_scorer(model.stand_ins[question.id]) for question in model.questions]
    return _STAND_INS.format(tables="\n".join(f"{scorer}," for scorer in scorers))


def rerun(path: Path, trial: Trial) -> Answers:
    """Let an exported file answer rows in a fresh interpreter that sees the standard library only.

    Parameters
    ----------
    path : pathlib.Path
    trial : Trial

    Returns
    -------
    Answers

    Raises
    ------
    ExportError
        If the file does not run, or its command line answers otherwise than its functions.
    """
    said = _run(["-c", _RERUN, str(path)], json.dumps(trial.rows))
    try:
        answers = Answers(**json.loads(said))
    except (TypeError, ValueError):
        raise ExportError(
            f"the exported file writes what it should not: {said:.200}; nothing was written"
        ) from None
    lines, expected = [], []
    for row, prediction in zip(trial.rows, answers.predictions, strict=True):
        line = row if isinstance(row, str) else json.dumps(row)
        if not _NO_LINE.search(line):
            lines.append(f"{line}\n")
            expected.append(f"{prediction}\n")
    if _run([str(path)], "".join(lines)) != "".join(expected):
        raise ExportError("the exported file answers otherwise from the command line; nothing was written")
    return answers


def _run(arguments: list[str], given: str) -> str:
    """Run the bare interpreter: no environment variables, no user or site packages."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", *arguments],
            input=given.encode(),
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"the exported file could not be tried ({error}); nothing was written") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ExportError(f"the exported file does not run ({''.join(last)}); nothing was written")
    return done.stdout.decode()


def _body(module: ModuleType, imports: dict[str, set[str]]) -> str:
    """Give a module's source below its docstring and imports; add the standard library's to `imports`."""
    source = inspect.getsource(module)
    start = 0
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            imports.update({alias.name: set() for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            if node.module and node.module.split(".")[0] not in ("__future__", "interpllm"):
                imports.setdefault(node.module, set()).update(alias.name for alias in node.names)
        elif not (isinstance(node, ast.Expr) and start == 0):
            break
        start = node.end_lineno or start
    return "\n".join(source.splitlines()[start:]) + "\n"


def _import_lines(imports: dict[str, set[str]]) -> list[str]:
    """Write imports, whole modules first; no module is imported both ways."""
    whole = [f"import {module}" for module in sorted(imports) if not imports[module]]
    parts = [f"from {m} import {', '.join(sorted(names))}" for m, names in sorted(imports.items()) if names]
    return [*whole, *parts]
