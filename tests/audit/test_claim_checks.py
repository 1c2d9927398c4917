"""Claims on rows: known truths are found, noise decides nothing, and exact claims are exact."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from interpllm.audit.claim_checks import Unreadable, check_claims
from interpllm.audit.claims import Extreme, MeanDifference, Monotone, Share, Sign, Threshold
from interpllm.audit.where import Where
from interpllm.errors import InputError

from .planted_claims import planted

RANDOM = np.random.default_rng(0)
N = 300
ROWS = pd.DataFrame(
    {
        "group": np.repeat(["a", "b", "c"], N // 3),
        "y": np.concatenate([RANDOM.normal(mean, 1, N // 3) for mean in (0, 1, 0)]),
        "x": np.arange(N, dtype=float),
        "name": [f"row {number}" for number in range(N)],
    }
)
ROWS["bent"] = (ROWS["x"] - 150).abs() + RANDOM.normal(0, 5, N) + np.where(ROWS["x"] > 220, 300, 0)
A, B, C = ((Where("group", "is", name),) for name in "abc")


def test_of_planted_claims_99_in_100_come_out_right() -> None:
    right = []
    for seed in range(10):
        rows, claims = planted(seed)
        verdicts = check_claims([one.claim for one in claims], rows).verdicts
        right += [
            verdict == ("supported" if one.true else "contradicted")
            for one, verdict in zip(claims, verdicts, strict=True)
        ]
    assert len(right) == 220
    assert np.mean(right) >= 0.99


def test_of_claims_about_pure_noise_few_are_supported() -> None:
    random = np.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(200, 60)), columns=[f"c{number}" for number in range(60)])
    rows["half"] = np.arange(200) % 2 == 0
    claims = [MeanDifference(column=f"c{n}", group=(Where("half", "is", True),)) for n in range(60)]
    verdicts = check_claims(claims, rows).verdicts
    assert verdicts.count("supported") <= 4  # a fortieth of them is to be expected
    assert verdicts.count("uncheckable") >= 52


def test_a_difference_of_means_has_the_interval_and_p_of_welch() -> None:
    row = check_claims([MeanDifference(column="y", group=B, other=A)], ROWS).frame().iloc[0]
    y = ROWS["y"].to_numpy()
    known = stats.ttest_ind(y[100:200], y[:100], equal_var=False)
    interval = known.confidence_interval()
    np.testing.assert_allclose(
        row[["figure", "low", "high", "p_value"]].astype(float),
        [y[100:200].mean() - y[:100].mean(), interval.low, interval.high, known.pvalue],
    )


def test_a_difference_within_the_noise_is_neither_and_its_figure_is_told() -> None:
    row = check_claims([MeanDifference(column="y", group=A, other=C)], ROWS).frame().iloc[0]
    assert row["verdict"] == "uncheckable"
    assert "within the noise" in row["why"]
    assert row["low"] < 0 < row["high"]


def test_about_these_rows_the_same_figure_decides() -> None:
    y = ROWS["y"]
    above = "above" if y[:100].mean() > y[200:].mean() else "below"
    claim = MeanDifference(column="y", group=A, other=C, relation=above, scope="rows")
    assert check_claims([claim], ROWS).verdicts == ["supported"]


@pytest.mark.parametrize(
    ("relation", "verdict"),
    [
        ("above", "contradicted"),
        ("at least", "supported"),
        ("below", "contradicted"),
        ("at most", "supported"),
        ("about", "supported"),
    ],
)
def test_a_figure_that_is_just_the_number_is_neither_above_nor_below_it(relation: str, verdict: str) -> None:
    claim = Threshold(statistic="count", relation=relation, value=300, scope="rows")
    assert check_claims([claim], ROWS).verdicts == [verdict]


def test_about_a_population_the_whole_interval_has_to_be_near_the_number() -> None:
    claims = [Share(which=A, value=value, tolerance=tolerance) for value, tolerance in
              ((1 / 3, 0.1), (1 / 3, 0.02), (0.6, 0.1))]  # fmt: skip
    assert check_claims(claims, ROWS).verdicts == ["supported", "uncheckable", "contradicted"]


def test_the_largest_of_groups_has_to_be_ahead_of_every_other() -> None:
    claims = [Extreme(by="group", group=name, column="y") for name in "abc"]
    assert check_claims(claims, ROWS).verdicts == ["contradicted", "supported", "contradicted"]
    smallest = Extreme(by="group", group="a", column="y", direction="smallest")
    assert check_claims([smallest], ROWS).verdicts == ["uncheckable"]  # a and c are alike


def test_a_tie_has_no_largest() -> None:
    claim = Extreme(by="group", group="a", scope="rows")
    assert check_claims([claim], ROWS).verdicts == ["contradicted"]


def test_a_single_row_can_be_the_largest_of_these_rows_only() -> None:
    top = ROWS.loc[ROWS["y"].idxmax(), "name"]
    claims = [Extreme(by="name", group=top, column="y", scope=scope) for scope in ("rows", "population")]
    report = check_claims(claims, ROWS)
    assert report.verdicts == ["supported", "uncheckable"]
    assert "too few rows" in report.frame()["why"][1]


def test_a_correlation_is_no_steady_trend() -> None:
    claims = [Sign(column="x", with_column="bent"), Monotone(x="x", column="bent")]
    assert check_claims(claims, ROWS).verdicts == ["supported", "contradicted"]


def test_a_trend_that_turns_is_not_supported_by_the_ranks_of_few_rows() -> None:
    verdicts = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        x = random.random(100)
        y = np.where(x < 0.75, x, 0.75 - 3 * (x - 0.75)) + random.normal(0, 0.3, 100)
        verdicts += check_claims([Monotone(x="x", column="y")], pd.DataFrame({"x": x, "y": y})).verdicts
    assert "supported" not in verdicts


def test_a_trend_of_these_rows_may_not_turn() -> None:
    rows = pd.DataFrame({"x": [1, 1, 2, 2, 3, 3], "y": [1, 2, 3, 4, 5, 6], "z": [1, 2, 6, 7, 4, 5]})
    claims = [Monotone(x="x", column=name, scope="rows") for name in "yz"]
    assert check_claims(claims, rows).verdicts == ["supported", "contradicted"]


def test_missing_cells_are_left_out_and_not_taken_for_no() -> None:
    rows = pd.DataFrame({"bought": ["yes"] * 3 + ["no"] + [None] * 6})
    claim = Share(which=(Where("bought", "is", "yes"),), value=0.75, tolerance=0.001, scope="rows")
    row = check_claims([claim], rows).frame().iloc[0]
    assert (row["verdict"], row["n"]) == ("supported", 4)


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (MeanDifference(column="pay", group=A), "no column 'pay'"),
        (MeanDifference(column="name", group=A), "holds no numbers"),
        (MeanDifference(column="y", group=A, other=A), "in both groups"),
        (MeanDifference(column="y", group=A, other=B, among=C), "one of the groups has no rows"),
        (MeanDifference(column="y", group=(Where("x", "below", 3),)), "too few rows"),
        (Threshold(statistic="mean", column="y", value=0, among=(*A, *B)), "no row is one of those"),
        (Threshold(statistic="largest", column="y", value=0), "claim it of the rows"),
        (Threshold(statistic="mean", column="x", value=0, among=(Where("x", "is", 7),)), "too few rows"),
        (Sign(column="x", with_column="one"), "does not vary"),
        (Extreme(by="group", group="z", column="y"), "no value 'z'"),
        (Unreadable("Who knows?", "it is a question"), "it is a question"),
    ],
)
def test_what_rows_cannot_decide_says_why(claim: MeanDifference, why: str) -> None:
    row = check_claims([claim], ROWS.assign(one=1.0)).frame().iloc[0]
    assert row["verdict"] == "uncheckable"
    assert why in row["why"]


def test_p_is_adjusted_over_the_claims_of_a_report() -> None:
    frame = check_claims(
        [MeanDifference(column="y", group=B), Sign(column="x", with_column="y")], ROWS
    ).frame()
    p = frame["p_value"].to_numpy()
    np.testing.assert_allclose(frame["p_adjusted"].min(), 2 * p.min())


def test_lines_and_page_tell_the_adjusted_p() -> None:
    report = check_claims([MeanDifference(column="y", group=B), Sign(column="x", with_column="y")], ROWS)
    row = report.frame().iloc[0]
    lines = str(report).splitlines()
    assert lines[0] == f"supported     {row['claim']}"
    assert f"p {row['p_value']:.2g}, adjusted {row['p_adjusted']:.2g}, n 300" in lines[1]
    assert lines[-1] == report._counts()
    assert ">p adjusted</th>" in report.to_html()


def test_that_a_figure_is_about_a_number_has_no_p() -> None:
    claims = [Share(which=A, value=0.33), Threshold(statistic="share", which=A, value=0.2)]
    assert check_claims(claims, ROWS).frame()["p_value"].notna().tolist() == [False, True]


def test_the_page_escapes_what_was_claimed() -> None:
    claim = Sign(column="x", with_column="y", sentence="<script>alert(1)</script>")
    html = check_claims([claim], ROWS).to_html()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_json_has_the_claims_again_and_null_where_there_is_no_figure() -> None:
    report = check_claims([Threshold(statistic="mean", column="pay", value=0)], ROWS)
    (kept,) = json.loads(report.to_json())["claims"]
    assert kept["document"]["kind"] == "threshold"
    assert kept["figure"] is None


def test_as_part_of_an_audit_each_share_of_verdicts_has_an_interval() -> None:
    claims = [MeanDifference(column="y", group=name) for name in (A, B, C)]
    finding = check_claims(claims, ROWS).finding()
    values = {measure.name: measure.value for measure in finding.measures}
    assert values["share of claims supported"] == pytest.approx(1 / 3)
    assert all(measure.low is not None for measure in finding.measures)


@pytest.mark.parametrize("data", [{}, {"x": []}, {"x": [1], "y": [1, 2]}], ids=str)
def test_what_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(InputError, match="table"):
        check_claims([], data)


def test_what_is_no_readable_model_is_refused() -> None:
    with pytest.raises(InputError, match="LogisticRegression is no readable model"):
        check_claims([], ROWS, LogisticRegression())


def test_what_is_no_claim_is_refused() -> None:
    with pytest.raises(InputError, match="Claims are objects"):
        check_claims(["pay rises"], ROWS)  # type: ignore[list-item]
