"""predict, explain, rules and export, on a model file alone."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm.runtime import ConceptLinear, Question, load, parse, printed, save

Cli = Callable[..., Any]
ROWS = "id,text\n1,great film\n2,not great\n"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_predict_puts_predictions_beside_the_rows(cli: Cli, model: str) -> None:
    ran = cli("predict", model, "-", stdin=ROWS)
    assert ran.status == 0
    assert [(r["id"], r["text"], r["prediction"]) for r in rows_of(ran.out)] == [
        ("1", "great film", "good"),
        ("2", "not great", "bad"),
    ]


def test_predict_gives_the_probability_of_what_it_says(cli: Cli, model: str) -> None:
    rows = rows_of(cli("predict", model, "-", "--proba", stdin=ROWS).out)
    assert all(row["probability"] == row[f"probability of {row['prediction']}"] for row in rows)


def test_predict_json_keeps_the_type_of_the_labels(cli: Cli, model_of_three: str) -> None:
    ran = cli("predict", model_of_three, "-", "--json", stdin=ROWS)
    assert [json.loads(line)["prediction"] for line in ran.out.splitlines()] == [5, 5]


def test_predict_writes_a_file(cli: Cli, model: str, tmp_path: Path) -> None:
    ran = cli("predict", model, "-", "--out", "new.csv", stdin=ROWS)
    assert (ran.out, len(rows_of((tmp_path / "new.csv").read_text()))) == ("", 2)


@pytest.mark.parametrize("option", ["--json", "--proba"])
def test_half_a_character_is_written_to_a_file_as_to_standard_output(
    cli: Cli, model: str, tmp_path: Path, option: str
) -> None:
    command = ("predict", model, "-", "--format", "jsonl", option, "--out", "new")
    ran = cli(*command, stdin='{"text": "\\ud800 great"}\n')
    assert ran.status == 0, ran.err
    assert r"\ud800 great" in (tmp_path / "new").read_text(encoding="utf-8")


def test_predict_with_labels_says_how_many_agree(cli: Cli, model: str) -> None:
    ran = cli("predict", model, "-", "--label", "id", stdin="text,id\ngreat,good\nawful,good\n")
    assert "accuracy 0.500, largest class 1.000 (2 rows)" in ran.err


def test_predict_numbers(cli: Cli, number_model: str) -> None:
    ran = cli("predict", number_model, "-", "--label", "y", stdin="text,y\nlarge,16\nsmall,6\n")
    assert [row["prediction"] for row in rows_of(ran.out)] == ["15.0", "6.0"]
    assert "mean absolute error 0.500, r2 0.980" in ran.err


def test_predict_refuses_to_hide_a_column(cli: Cli, model: str) -> None:
    ran = cli("predict", model, "-", stdin="text,prediction\ngreat,mine\n")
    assert ran.status == 1
    assert "has a column 'prediction' already" in ran.err


def test_predict_needs_the_runtime_alone(model: str, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(ROWS)
    code = (
        "import sys\n"
        "for name in ('numpy', 'pandas', 'sklearn', 'httpx', 'torch'): sys.modules[name] = None\n"
        f"from interpllm.cli import main; sys.exit(main(['predict', {model!r}, 'new.csv']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert rows_of(done.stdout)[0]["prediction"] == "good"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_columns_of_json_lines_keep_their_order(model: str, tmp_path: Path, seed: str) -> None:
    (tmp_path / "new.jsonl").write_text(
        '{"id": 1, "text": "great", "who": "a"}\n{"when": 2, "text": "awful"}\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "interpllm.cli", "predict", model, "new.jsonl"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0] == "id,text,who,when,prediction,probability"


@pytest.mark.parametrize("data", [b"not a model", b'{"format": "other"}'])
def test_strange_model_file_is_one_line(cli: Cli, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.json").write_bytes(data)
    ran = cli("predict", "model.json", "-", stdin=ROWS)
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)


def test_missing_model_file_says_how_to_make_one(cli: Cli) -> None:
    ran = cli("predict", "model.json", "-", stdin=ROWS)
    assert ran.status == 1
    assert "interpllm fit DATA --out model.json" in ran.err


def test_explain_marks_words_where_there_is_no_colour(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", stdin="text\nA great film\n")
    assert ran.out.splitlines()[0] == "A {+great+} film"


def test_explain_colours_words_when_told_to(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--color", "always", stdin="text\nA great film\n")
    assert "\x1b[" in ran.out.splitlines()[0]


@pytest.mark.parametrize(("variable", "colored"), [("NO_COLOR", False), ("OTHER", True)])
def test_no_color_is_respected_on_a_terminal(
    cli: Cli, model: str, monkeypatch: pytest.MonkeyPatch, variable: str, colored: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(variable, "1")
    ran = cli("explain", model, "-", stdin="text\nA great film\n")
    assert ("\x1b[" in ran.out) is colored


def test_explain_does_not_let_a_text_steer_the_terminal(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--color", "never", stdin="text\ngreat \x1b]0;owned\x07 \x1b[2J\n")
    assert not {"\x1b", "\x07"} & set(ran.out)


def test_explain_ledger_adds_up(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--top", "1", stdin="text\nnot great but not awful\n")
    lines = ran.out.splitlines()[3:]
    numbers = [float(line.split()[-1]) for line in lines]
    assert numbers[-1] == pytest.approx(sum(numbers[:-1]), abs=2e-3)
    assert [line.split("  ")[0] for line in lines] == ["(every text)", "not great", "(2 more)", "= decision"]


def test_explain_json_adds_up_and_places_the_words(cli: Cli, model: str) -> None:
    (row,) = map(json.loads, cli("explain", model, "-", "--json", stdin="text\nnot great\n").out.splitlines())
    assert row["base"][0] + sum(c["values"][0] for c in row["contributions"]) == pytest.approx(
        row["decision"][0]
    )
    assert [(c["phrase"], c["spans"]) for c in row["contributions"]] == [
        ("not great", [[0, 9]]),
        ("great", [[4, 9]]),
    ]


def test_explain_stops_after_the_rows_asked_for(cli: Cli, model: str) -> None:
    assert len(cli("explain", model, "-", "--json", "--rows", "1", stdin=ROWS).out.splitlines()) == 1


def test_rules_are_grouped_by_class_strongest_first(cli: Cli, model: str) -> None:
    lines = cli("rules", model).out.splitlines()
    assert [line.split("  ")[0] for line in lines if line] == [
        "-> bad",
        'mentions "not great"',
        'mentions "awful"',
        "-> good",
        'mentions "great"',
    ]


def test_rules_stop_at_the_top(cli: Cli, model: str) -> None:
    assert cli("rules", model, "--top", "1").out.count("mentions") == 2


def test_rules_json_has_every_rule_with_its_evidence(cli: Cli, model: str) -> None:
    rules = [json.loads(line) for line in cli("rules", model, "--json", "--top", "1").out.splitlines()]
    assert {rule["phrase"] for rule in rules} == {"great", "not great", "awful"}
    assert all((rule["support"], rule["coverage"]) == (4, 0.5) for rule in rules)
    assert rules[0]["examples"] == [1]
    assert cli("rules", model, "--format", "json").out == cli("rules", model, "--json").out


def test_the_whole_model_is_printed_so_that_it_can_be_read_back(cli: Cli, model: str) -> None:
    whole = cli("rules", model, "--format", "whole").out
    read, rows = parse(whole), ["a great film", "not great", "awful", ""]
    assert printed(read) == whole.removesuffix("\n")
    assert read.decision_function(rows) == load(model).decision_function(rows)


def test_rules_are_a_table_of_markdown(cli: Cli, model: str) -> None:
    lines = cli("rules", model, "--format", "md").out.splitlines()
    assert lines[0].startswith("| -\\> bad | weight | support | precision | 95 % |")
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
    assert lines[2] == '| mentions "not great" | +3.000 | 4 | 0.75 | 0.30 to 0.95 |  |  | data |'


def test_what_a_rule_says_is_no_markup(cli: Cli, tmp_path: Path) -> None:
    asked = Question.of("Is it <b>bold</b> | [here](x)?")
    made = ConceptLinear(
        task="classification",
        classes=("a", "b"),
        questions=(asked,),
        means=(0.5,),
        intercept=(0.0,),
        weights=((1.0,),),
    )
    line = cli("rules", str(save(made, tmp_path / "q.json")), "--format", "md").out.splitlines()[2]
    assert line.startswith(r"| yes to: Is it \<b\>bold\</b\> \| \[here\](x)? | +1.000 |")


def test_rules_of_a_regression_say_up_and_down(cli: Cli, number_model: str) -> None:
    lines = cli("rules", number_model).out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("->")] == [["->", "+"], ["->", "-"]]


def test_export_runs_by_itself(cli: Cli, model: str, tmp_path: Path) -> None:
    assert cli("export", model, "alone.py").status == 0
    done = subprocess.run(
        [sys.executable, "-I", "-S", "alone.py"],
        cwd=tmp_path,
        input="great film\nnot great\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["good", "bad"]


def test_export_names_the_file_by_the_format(cli: Cli, model: str, tmp_path: Path) -> None:
    ran = cli("export", model, "--to", "sql", "--table", "reviews", "--text-column", "body")
    assert ran.status == 0
    written = (tmp_path / model).with_suffix(".sql").read_text(encoding="utf-8")
    assert 'FROM "reviews"' in written
    assert '"body"' in written


@pytest.mark.parametrize("command", [("export", "other.py"), ("predict", "-"), ("rules",)])
def test_python_export_is_not_taken_for_a_model_file(cli: Cli, model: str, command: tuple[str, ...]) -> None:
    cli("export", model, "alone.py")
    ran = cli(command[0], "alone.py", *command[1:], stdin=ROWS)
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "Python export" in ran.err
    assert "give the .json model file" in ran.err


def test_export_needs_a_file_or_a_format(cli: Cli, model: str) -> None:
    ran = cli("export", model)
    assert "say what to write" in ran.err


def test_export_does_not_write_over_the_model(cli: Cli, model: str) -> None:
    assert "is the model itself" in cli("export", model, "--to", "json").err
