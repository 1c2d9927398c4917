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
from pathlib import Path
from types import ModuleType

from interpllm.errors import ExportError
from interpllm.export import standalone
from interpllm.export.check import Answers, Given
from interpllm.runtime import (
    ConceptLinear,
    ConceptTree,
    LinearModel,
    Model,
    concept_scoring,
    scoring,
    tokens,
    tree_scoring,
)

_SECONDS = 600

# A text with one of these cannot be given as one line of UTF-8.
_NO_LINE = re.compile("[\r\n\ud800-\udfff]")

_HEAD = '''"""A readable model of text, made with interpllm. It needs Python 3.11 or newer and nothing else.

    python {name} < texts.txt        one text a line in, one prediction a line out

From Python: import the file; it has predict, predict_proba and decision_function, each taking a list of
texts. {how}
"""
'''

_HOW_LINEAR = """The score of a text is INTERCEPT plus the sum of the weights in TABLE of its distinct
n-grams, divided by 1 or, where NORM is "sqrt", by the square root of the number of its distinct n-grams."""

_HOW_CONCEPTS = """The score of a text is INTERCEPT plus, for each of QUESTIONS, its row of WEIGHTS times its
answer (the probability of yes by its table of n-grams in STAND_INS), plus the score by RESIDUAL, if any."""

_HOW_TREE = """A text goes through NODES from the first one: an answer above 1/2 to the question of a node
leads to its yes branch, else to its no branch. The answer is the probability of yes by the table of n-grams
in STAND_INS. The value of the last node is the probabilities of CLASSES; of a regression, the prediction."""

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
texts = json.load(sys.stdin)
json.dump(
    {
        "scores": model["decision_function"](texts),
        "probabilities": model["predict_proba"](texts) if model["CLASSES"] else [],
        "predictions": model["predict"](texts),
    },
    sys.stdout,
)
"""


def render(model: Model, name: str = "model.py") -> str:
    """Write a model as the source of a Python program.

    Parameters
    ----------
    model : LinearModel, ConceptLinear or ConceptTree
    name : str
        Name of the file, for its own help.

    Returns
    -------
    str

    Raises
    ------
    ExportError
        If a question of the model needs a language model.
    """
    if isinstance(model, LinearModel):
        return _program(name, _HOW_LINEAR, [], _linear(model))
    if not model.deployable:
        missing = [question for question in model.questions if question.id in model.unanswered]
        raise ExportError(
            "a file that predicts by itself cannot ask a language model, and questions have no stand-in: "
            + "; ".join(f"{question.id} {question.text!r:.120}" for question in missing)
            + ". Distil the model first, or export it to .json; nothing was written"
        )
    if isinstance(model, ConceptLinear):
        return _program(name, _HOW_CONCEPTS, [concept_scoring], _concept_linear(model))
    return _program(name, _HOW_TREE, [concept_scoring, tree_scoring], _concept_tree(model))


def _program(name: str, how: str, scorers: list[ModuleType], parts: list[str]) -> str:
    """Put a program together: its help, the code it shares with the library, and what is the model's own."""
    imports: dict[str, set[str]] = {}
    bodies = [_body(module, imports) for module in (tokens, scoring, *scorers, standalone)]
    return "\n".join(
        [
            _HEAD.format(name=ascii(name)[1:-1], how=how),
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


def rerun(path: Path, texts: list[str], given: Given) -> Answers:
    """Let an exported file answer texts in a fresh interpreter that sees the standard library only.

    Parameters
    ----------
    path : pathlib.Path
    texts : list of str
    given : dict of str to list
        Empty: a model that needs answers is not rendered.

    Returns
    -------
    Answers

    Raises
    ------
    ExportError
        If the file does not run, or its command line answers otherwise than its functions.
    """
    said = _run(["-c", _RERUN, str(path)], json.dumps(texts))
    try:
        answers = Answers(**json.loads(said))
    except (TypeError, ValueError):
        raise ExportError(
            f"the exported file writes what it should not: {said:.200}; nothing was written"
        ) from None
    lines, expected = [], []
    for text, prediction in zip(texts, answers.predictions, strict=True):
        if not _NO_LINE.search(text):
            lines.append(f"{text}\n")
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
