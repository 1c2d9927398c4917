"""How fast is Aug-Linear fitted, and how fast does it predict, beside imodelsX's Aug-Linear?

Both fit n-grams of as many words to the same rows of rotten_tomatoes with the same embedding model (the
weights of ``minilm``), each in a process of its own, in turns, with the same number of threads. Torch and
transformers are imported before the clock starts; loading the model counts. Interpllm has an empty store each
time, and its fit holds its cross-validation. The test split is predicted and its accuracy told; nothing is
chosen by it.

Prediction is told in three ways, in microseconds a text: by the fitted estimators; by the table that
interpllm loads from its model file; and with imodelsX embedding the n-grams of new texts first, as it advises
in a warning (interpllm's table never does).

    python -m venv imodelsx && imodelsx/bin/pip install imodelsx==1.0.14 six
    python benchmarks/beside_imodelsx.py --imodelsx-python imodelsx/bin/python [--turns 3] [--threads 1]

Medians over the turns, of seconds on the clock and of processor time; on a busy machine only the second means
something.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

# The other library's environment runs this file, too: only what it has may be imported at the top.

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "text"
PREDICTIONS = ("predict", "predict, model file", "predict, new n-grams")
VERSIONS = ("torch", "transformers", "scikit-learn", "numpy")


def read(data: Path, part: str) -> tuple[list[str], list[str]]:
    """Texts and labels of one part of rotten_tomatoes."""
    with open(data / f"rotten_tomatoes_{part}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that it takes, on the clock and of the processor (all threads together)."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def speed(predict: Callable[[], object], n_rows: int, repeats: int) -> list[float]:
    """Seconds a text in the median, on the clock and of the processor."""
    predict()
    measured = [seconds(predict) for _ in range(repeats)]
    return [statistics.median(column) / n_rows for column in zip(*measured, strict=True)]


# One process each ----------------------------------------------------------------------------------------


def ours(job: dict[str, Any]) -> tuple[Any, Callable[[Any], dict[str, int]]]:
    """The estimator, and what counts its n-grams once it is fitted."""
    from interpllm import AugLinearClassifier

    model = AugLinearClassifier(
        llm="minilm",
        ngram_range=(job["lowest"], job["highest"]),
        distill=False,
        random_state=0,
        cache=job["cache"],
    )

    def counts(model: Any) -> dict[str, int]:
        return {"embedded": model.report_["usage"]["items"], "in the table": model.model_.n_terms}

    return model, counts


def theirs(job: dict[str, Any]) -> tuple[Any, Callable[[Any], dict[str, int]]]:
    """The same of imodelsX, with its own batch size."""
    from imodelsx import AugLinearClassifier
    from imodelsx.util import generate_ngrams_list

    every = job["lowest"] == 1
    model = AugLinearClassifier(checkpoint=job["model"], ngrams=job["highest"], all_ngrams=every)

    def counts(model: Any) -> dict[str, int]:
        # It embeds the n-grams of each row, and then each distinct one once more.
        rows = (generate_ngrams_list(x, model.ngrams, model.tokenizer_ngrams, every) for x in job["texts"])
        distinct = len(model.coefs_dict_)
        return {"embedded": sum(map(len, rows)) + distinct, "in the table": distinct}

    return model, counts


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Fit and predict, in the process of one of the two."""
    import numpy as np
    import torch
    from transformers import AutoModel, AutoTokenizer, BertModel  # noqa: F401 - parts are imported by use

    torch.set_num_threads(job["threads"])
    warnings.simplefilter("ignore")  # imodelsX warns of each n-gram that it does not know
    model, counts = (ours if job["who"] == "interpllm" else theirs)(job)
    labels = np.array(job["labels"])
    fit = seconds(lambda: model.fit(job["texts"], labels))
    texts, truth = read(Path(job["data"]), "test")
    accuracy = float(np.mean(np.asarray(model.predict(texts)) == np.array(truth)))
    result = {"fit": fit, "accuracy": accuracy, **counts(model)}
    result["predict"] = speed(lambda: model.predict(texts), len(texts), job["repeats"])
    if job["who"] == "interpllm":
        from interpllm.runtime import dumps, loads

        loaded = loads(dumps(model.model_))
        result["predict, model file"] = speed(lambda: loaded.predict(texts), len(texts), job["repeats"])
        result["predict, new n-grams"] = result["predict"]
    else:
        # It has no model file; and it advises to embed the n-grams of new texts before they are predicted.
        result["predict, model file"] = result["predict"]
        new = texts[: job["new_rows"]]
        read_first = seconds(lambda: (model.cache_linear_coefs(new, verbose=False), model.predict(new)))
        result["predict, new n-grams"] = [taken / len(new) for taken in read_first]
    return {
        **result,
        "versions": {name: version(name) for name in (job["who"], *VERSIONS)},
        "python": platform.python_version(),
    }


# Both ----------------------------------------------------------------------------------------------------


def run(python: str, job: dict[str, Any]) -> dict[str, Any]:
    """The result of a job in a Python of its own.

    Raises
    ------
    RuntimeError
        When it fails; the message holds the end of its output.
    """
    count = str(job["threads"])
    environment = {
        **os.environ,
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), count),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [python, __file__, "--work"]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{python} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def turn(pythons: dict[str, str], job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Both once, one after the other."""
    results = {}
    for who, python in pythons.items():
        with tempfile.TemporaryDirectory() as cache:
            results[who] = run(python, {**job, "who": who, "cache": cache})
        (fit, _), accuracy = results[who]["fit"], results[who]["accuracy"]
        print(f"  {who}: fit {fit:.1f} s, accuracy {accuracy:.4f}", file=sys.stderr, flush=True)
    return results


def table(turns: list[dict[str, dict[str, Any]]]) -> None:
    """Print the medians and how many times faster interpllm is."""
    columns = ("interpllm", "imodelsx", "ratio")
    print(f"\n{'':34}" + "".join(f"{column:>12}" for column in columns))
    works = {"fit": "s", **dict.fromkeys(PREDICTIONS, "µs")}
    for what, unit in works.items():
        for place, kind in enumerate(("clock", "processor")):
            mine, other = (
                statistics.median(one[who][what][place] for one in turns) for who in ("interpllm", "imodelsx")
            )
            scale, shown = (1e6, ".1f") if unit == "µs" else (1.0, ".2f")
            name = f"{what}, {unit}, {kind}"
            print(f"{name:34}{mine * scale:12{shown}}{other * scale:12{shown}}{other / mine:11.1f}x")
    for what in ("embedded", "in the table"):
        name = f"n-grams {what}"
        print(f"{name:34}" + "".join(f"{turns[0][who][what]:12,}" for who in columns[:2]))
    print(f"{'test accuracy':34}" + "".join(f"{turns[0][who]['accuracy']:12.4f}" for who in columns[:2]))


def main() -> None:
    """Run the turns and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--imodelsx-python", required=True, help="Python with imodelsx==1.0.14 and six")
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--rows", type=int, default=500, help="training rows, drawn with a fixed seed")
    parser.add_argument("--ngrams", type=int, default=2, help="words of an n-gram; imodelsX's default is 2")
    parser.add_argument("--shorter", action="store_true", help="shorter n-grams, too")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15, help="of predict in each turn")
    args = parser.parse_args()
    from interpllm.llm import zoo

    texts, labels = read(args.data, "train")
    chosen = sorted(random.Random(0).sample(range(len(texts)), args.rows))
    job = {
        "data": str(args.data),
        "texts": [texts[row] for row in chosen],
        "labels": [labels[row] for row in chosen],
        "model": str(zoo.path("minilm")),
        "lowest": 1 if args.shorter else args.ngrams,
        "highest": args.ngrams,
        "threads": args.threads,
        "repeats": args.repeats,
        "new_rows": 64,
    }
    pythons = {"interpllm": sys.executable, "imodelsx": args.imodelsx_python}
    turns = [turn(pythons, job) for _ in range(args.turns)]
    orders = "-".join(map(str, sorted({job["lowest"], job["highest"]})))
    print(
        f"rotten_tomatoes, {args.rows} training rows, {orders}-grams, minilm, {args.threads} thread(s), "
        f"{args.turns} turns; {platform.machine()}, {os.cpu_count()} CPUs"
    )
    for who in pythons:
        said = ", ".join(f"{name} {number}" for name, number in turns[0][who]["versions"].items())
        print(f"{who}: Python {turns[0][who]['python']}, {said}")
    table(turns)


if __name__ == "__main__":
    if sys.argv[1:] == ["--work"]:
        result = work(json.load(sys.stdin))
        print(json.dumps(result))
    else:
        main()
