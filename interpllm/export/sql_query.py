"""The query of a model, written from its first table to its last.

Each step is a table of the query: the words of the texts, their n-grams, what the model's tables and lexicons
find among these, the leaves of trees, totals, scores. All names of its own begin with ``ipl_``.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from interpllm.errors import ExportError
from interpllm.export.check import Request
from interpllm.export.sql_dialects import Dialect
from interpllm.export.walk import Answer, Part, Plan, Score, Step, Tree, Weighed
from interpllm.runtime.literals import literal

#: Beyond this, exp() of one number leaves what a floating-point number holds, which some databases refuse.
_FAR = 700.0


class Query:
    """One query, written from its first table to its last."""

    def __init__(self, plan: Plan, dialect: Dialect, request: Request, text: str, target: str) -> None:
        self.plan = plan
        self.sql = dialect
        self.request = request
        self.target = target
        self.key = dialect.identifier(request.id or "row_number")
        self.text = dialect.identifier(text)
        self.tables: list[str] = []
        self.joined: list[str] = []
        self.names = column_names(plan)

    def written(self) -> str:
        """Write the query."""
        self.source()
        self.grams()
        self.terms()
        self.scored()
        self.leaves()
        self.totals()
        shares = self.results()
        head = "".join(f"-- {line}\n" for line in self.comment())
        return f"{head}{self.sql.opening}\n" + ",\n".join(self.tables) + "\n" + shares + ";\n"

    def comment(self) -> list[str]:
        """Say what the query is."""
        of = f" of {literal(self.target)}" if self.target else ""
        lines = [f"A readable model{of}, made with interpllm, for {self.sql.name}."]
        for label, name in zip(self.plan.classes, self.names, strict=True):
            lines.append(f"probability_{name} is that of {literal(label)}.")
        return lines

    def table(self, name: str, body: str) -> None:
        """Add a table."""
        self.tables.append(f"{name} AS (\n{body}\n)")

    def source(self) -> None:
        """Take the rows."""
        number = "" if self.request.id else f", row_number() OVER () AS {self.key}"
        table = ".".join(map(self.sql.identifier, self.request.table.split(".")))
        self.tables.append(f"ipl_source{self.sql.materialized} (\n  SELECT *{number}\n  FROM {table}\n)")

    def grams(self) -> None:
        """Find the n-grams of the texts in the model's tables and lexicons."""
        plan, sql = self.plan, self.sql
        width = max((len(table.intercept) for table in plan.tables), default=0)
        rows: list[list[str]] = []
        found: list[str] = []
        slot = count()
        sizes: list[int] = []
        for number, table in enumerate(plan.tables):
            place = next(slot)
            sizes += table.ngram_range
            for phrase, weights in table.weights.items():
                numbers = [*map(sql.constant, weights), *["NULL"] * (width - len(weights))]
                rows.append([str(len(rows)), sql.string(phrase), str(place), *numbers])
            for output in range(len(table.intercept)):
                weight = sql.cast(f"w_{output}")
                found.append(f"{sql.total(self.of(place, weight))} AS t_{number}_{output}")
        for number, phrases in enumerate(plan.lexicons):
            place = next(slot)
            sizes += [phrase.count(" ") + 1 for phrase in phrases]
            for phrase in phrases:
                rows.append([str(len(rows)), sql.string(phrase), str(place), *["NULL"] * width])
            found.append(f"max({self.of(place, '1')}) AS l_{number}")
        if not sizes:
            return
        self.tables += sql.words("words", "ipl_words", "ipl_source", self.key, self.text)
        self.tables += sql.grams_of_texts("ipl_grams", "ipl_words", min(sizes), max(sizes))
        if rows:
            columns = ["term", "gram", "slot", *(f"w_{output}" for output in range(width))]
            self.tables.append(sql.values("ipl_weights", columns, rows))
            kept = ", ".join(f"w.{column}" for column in columns if column != "gram")
            self.table(
                "ipl_found",
                f"  SELECT DISTINCT g.ipl_row, {kept}\n  FROM ipl_grams AS g"
                "\n  INNER JOIN ipl_weights AS w ON g.gram = w.gram",
            )
            self.table(
                "ipl_hits",
                f"  SELECT ipl_row,\n    {_lines(found)}\n  FROM ipl_found\n  GROUP BY ipl_row",
            )
            self.joined.append("ipl_hits")
        ranges = dict.fromkeys(table.ngram_range for table in plan.tables if table.norm == "sqrt")
        if ranges:
            counts = []
            for lo, hi in ranges:
                size = f"count(DISTINCT CASE WHEN size BETWEEN {lo} AND {hi} THEN gram END)"
                counts.append(f"{sql.cast(size)} AS n_{lo}_{hi}")
            body = f"  SELECT ipl_row,\n    {_lines(counts)}\n  FROM ipl_grams\n  GROUP BY ipl_row"
            self.table("ipl_sizes", body)
            self.joined.append("ipl_sizes")

    def of(self, slot: int, value: str) -> str:
        """Restrict a value to one table or lexicon; where there is one only, it is all."""
        alone = len(self.plan.tables) + len(self.plan.lexicons) == 1
        return value if alone else f"CASE WHEN slot = {slot} THEN {value} END"

    def terms(self) -> None:
        """Give phrases the numbers of the vectorizer."""
        vectorizer, sql = self.plan.vectorizer, self.sql
        wanted = self.plan.terms
        if vectorizer is None or not wanted:
            return
        words = sql.words(vectorizer.cut, "ipl_cut", "ipl_source", self.key, self.text)
        stop = ", ".join(map(sql.string, vectorizer.stop_words))
        kept = f"\n  WHERE word NOT IN ({stop})" if stop else ""
        self.tables += words
        self.table("ipl_kept", f"  SELECT ipl_row, word, place\n  FROM ipl_cut{kept}")
        self.tables += sql.grams("ipl_phrases", "ipl_kept", *vectorizer.ngram_range)
        weighed = {
            phrase: row for p in self.plan.parts if isinstance(p, Weighed) for phrase, row in p.weights
        }
        width = len(self.plan.base) if weighed else 0
        rows = [
            [sql.string(phrase), sql.constant(idf), *map(sql.constant, weighed.get(phrase, (0.0,) * width))]
            for phrase, idf in vectorizer.idf.items()
        ]
        columns = ["gram", "idf", *(f"w_{output}" for output in range(width))]
        self.tables.append(sql.values("ipl_idf", columns, rows))
        times = sql.cast("count(*)")
        how = {"log": f"(1 + ln({times}))", "binary": sql.number(1.0), "count": times}[vectorizer.count]
        weights = "".join(f", max({sql.cast(f'i.w_{n}')}) AS w_{n}" for n in range(width))
        self.table(
            "ipl_counts",
            f"  SELECT p.ipl_row, p.gram, {how} * max({sql.cast('i.idf')}) AS value{weights}\n"
            "  FROM ipl_phrases AS p\n  INNER JOIN ipl_idf AS i ON p.gram = i.gram\n"
            "  GROUP BY p.ipl_row, p.gram",
        )
        added = {"l1": "sum(abs(value))", "l2": "sqrt(sum(value * value))", "none": ""}[vectorizer.norm]
        length = sql.number(1.0)
        if added:
            length = f"coalesce(nullif({added}, 0), 1)"
        self.table(
            "ipl_lengths", f"  SELECT ipl_row, {length} AS length\n  FROM ipl_counts\n  GROUP BY ipl_row"
        )
        compared = dict.fromkeys(c[1] for c in self.plan.conditions() if c[0] == "term")
        found = [
            f"max(CASE WHEN c.gram = {sql.string(phrase)} THEN c.value / n.length END) AS v_{number}"
            for number, phrase in enumerate(compared)
        ]
        found += [f"{sql.total(f'c.value / n.length * c.w_{n}')} AS weighed_{n}" for n in range(width)]
        self.table(
            "ipl_terms",
            f"  SELECT c.ipl_row,\n    {_lines(found)}\n  FROM ipl_counts AS c\n"
            "  INNER JOIN ipl_lengths AS n ON c.ipl_row = n.ipl_row\n  GROUP BY c.ipl_row",
        )
        self.joined.append("ipl_terms")

    def scored(self) -> None:
        """Put what was found beside the rows: scores of tables, lexicons, terms, columns; then answers."""
        plan, sql = self.plan, self.sql
        columns = [f"s.{self.key} AS ipl_row"]
        if plan.reads_text:
            columns.append(f"CASE WHEN s.{self.text} IS NULL THEN 0 ELSE 1 END AS ipl_there")
        for number, name in enumerate(plan.columns):
            columns.append(f"{self.column(name)} AS c_{number}")
        for number, table in enumerate(plan.tables):
            lo, hi = table.ngram_range
            size = f"coalesce(nullif(ipl_sizes.n_{lo}_{hi}, 0), 1)"
            norm = f" / sqrt({size})" if table.norm == "sqrt" else ""
            for output, base in enumerate(table.intercept):
                hits = f"coalesce(ipl_hits.t_{number}_{output}, 0)" if "ipl_hits" in self.joined else "0"
                columns.append(f"{sql.number(base)} + {hits}{norm} AS s_{number}_{output}")
        columns += [f"coalesce(ipl_hits.l_{number}, 0) AS l_{number}" for number in range(len(plan.lexicons))]
        compared = dict.fromkeys(c[1] for c in plan.conditions() if c[0] == "term")
        columns += [f"coalesce(ipl_terms.v_{number}, 0) AS v_{number}" for number in range(len(compared))]
        if any(isinstance(part, Weighed) for part in plan.parts):
            columns += [f"coalesce(ipl_terms.weighed_{n}, 0) AS weighed_{n}" for n in range(len(plan.base))]
        joins = "".join(f"\n  LEFT JOIN {name} ON s.{self.key} = {name}.ipl_row" for name in self.joined)
        self.table("ipl_seen", f"  SELECT\n    {_lines(columns)}\n  FROM ipl_source AS s{joins}")
        asked = {part.table for part in plan.parts if isinstance(part, Answer)}
        asked |= {condition[1] for condition in plan.conditions() if condition[0] == "answer"}
        answers = [f"{self.chance(f's_{table}_0')} AS a_{table}" for table in sorted(asked)]
        if answers:
            self.table("ipl_answered", f"  SELECT *,\n    {_lines(answers)}\n  FROM ipl_seen")

    def chance(self, score: str) -> str:
        """Turn the score of two classes into the probability of the second, without overflow."""
        far = self.sql.number(_FAR)
        odds = f"exp(-(CASE WHEN abs({score}) < {far} THEN abs({score}) ELSE {far} END))"
        return f"CASE WHEN {score} > 0 THEN 1 / (1 + {odds}) WHEN {score} <= 0 THEN {odds} / (1 + {odds}) END"

    def column(self, name: str) -> str:
        """Read a column: its kind is that of the values that it is compared with."""
        column = f"s.{self.sql.identifier(name)}"
        if self.plan.columns[name] == "number":
            return self.sql.column(column)
        kinds = {kind_of(value) for c in self.plan.conditions() if c[:2] == ("is", name) for value in c[2]}
        if len(kinds) > 1:
            raise ExportError(
                f"column {name!r:.80} is compared with values of several kinds ({', '.join(sorted(kinds))}), "
                "and a column of SQL has one; use strings, or export to .py or .mjs; nothing was written"
            )
        return self.sql.column(column) if kinds == {"numbers"} else column

    def last(self) -> str:
        """Name the table that has everything so far."""
        for name in ("ipl_leaves", "ipl_answered"):
            if any(table.startswith(f"{name} AS") for table in self.tables):
                return name
        return "ipl_seen"

    def leaves(self) -> None:
        """Lead rows through trees."""
        found = [
            f"{self.leaf(part.steps, 0)} AS leaf_{number}"
            for number, part in enumerate(self.plan.parts)
            if isinstance(part, Tree) and len(part.steps) > 1
        ]
        if found:
            self.table("ipl_leaves", f"  SELECT *,\n    {_lines(found)}\n  FROM {self.last()}")

    def leaf(self, steps: tuple[Step, ...], number: int) -> str:
        """Give the number of the leaf below a node; no branches that follow each other make one list."""
        cases = []
        while steps[number].conditions:
            step = steps[number]
            holds = " AND ".join(map(self.condition, step.conditions))
            holds = f"coalesce({holds}, {self.truth(step.missing)})" if step.missing else holds
            cases.append(f"WHEN {holds} THEN {self.leaf(steps, step.yes)}")
            number = step.no
        return f"CASE {' '.join(cases)} ELSE {number} END" if cases else str(number)

    def truth(self, value: bool) -> str:
        """Write a truth value."""
        return "TRUE" if value else "FALSE"

    def condition(self, condition: tuple[Any, ...]) -> str:
        """Write a condition; NULL where it cannot be told."""
        kind, what, *rest = condition
        if kind == "mentions":
            return f"l_{what} {'=' if rest[0] else '>'} 0"
        if kind == "answer":
            return f"a_{what} {'<=' if rest[0] else '>'} 0.5"
        if kind == "term":
            compared = list(dict.fromkeys(c[1] for c in self.plan.conditions() if c[0] == "term"))
            return f"v_{compared.index(what)} {rest[0]} {self.sql.number(rest[1])}"
        column = f"c_{list(self.plan.columns).index(what)}"
        if kind == "column":
            return f"{column} {rest[0]} {self.sql.number(rest[1])}"
        values = [self.value(what, value) for value in rest[0]]
        members = ", ".join(value for value in values if value)
        negated = "NOT " if rest[1] else ""
        if members:
            return f"{column} {negated}IN ({members})"
        return f"CASE WHEN {column} IS NOT NULL THEN {self.truth(rest[1])} END"

    def value(self, column: str, value: Any) -> str:
        """Write a value that a column is compared with; "" for a text where it holds numbers."""
        numbers = self.plan.columns[column] == "number"
        if isinstance(value, str):
            return "" if numbers else self.sql.string(value)
        if isinstance(value, bool) and not numbers:
            return self.truth(value)
        return self.sql.number(float(value))

    def totals(self) -> None:
        """Add up what the parts give."""
        plan = self.plan
        totals = []
        for place, base in enumerate(plan.base):
            parts = [self.part(part, number, place) for number, part in enumerate(plan.parts)]
            if plan.mean:
                total = f"({' + '.join(parts)}) / {self.sql.number(len(parts))}"
            else:
                total = " + ".join([self.sql.number(base), *parts])
            if plan.reads_text:
                total = f"CASE WHEN ipl_there = 1 THEN {total} END"
            totals.append(f"{total} AS total_{place}")
        self.table("ipl_totals", f"  SELECT ipl_row,\n    {_lines(totals)}\n  FROM {self.last()}")

    def part(self, part: Part, number: int, place: int) -> str:
        """Write what a part adds to a total."""
        sql = self.sql
        if isinstance(part, Score):
            return f"s_{part.table}_{place}"
        if isinstance(part, Answer):
            return f"{sql.number(part.weights[place])} * a_{part.table}"
        if isinstance(part, Weighed):
            return f"weighed_{place}"
        if isinstance(part, Tree):
            leaves = {n: s.value[place] for n, s in enumerate(part.steps) if not s.conditions}
            if len(part.steps) == 1:
                return sql.number(leaves[0])
            cases = (f"WHEN {leaf} THEN {sql.number(value)}" for leaf, value in leaves.items())
            return f"CASE leaf_{number} {' '.join(cases)} END"
        column = f"c_{list(self.plan.columns).index(part.column)}"
        low, high, missing = map(sql.number, (part.low, part.high, part.missing))
        kept = (
            f"CASE WHEN {column} IS NULL THEN {missing} WHEN {column} < {low} THEN {low} "
            f"WHEN {column} > {high} THEN {high} ELSE {column} END"
        )
        return f"{sql.number(part.value[place])} * ({kept})"

    def results(self) -> str:
        """Turn totals into scores, probabilities and the prediction."""
        plan, sql = self.plan, self.sql
        totals = [f"total_{place}" for place in range(len(plan.base))]
        scores, shares, more = list(totals), list(totals), []
        if plan.link == "share" and len(totals) == 2:
            scores = ["total_1 - total_0"]
        elif plan.link == "clip":
            scores = ["2 * total_0 - 1"]
            share = "CASE WHEN total_0 < 0 THEN 0e0 WHEN total_0 > 1 THEN 1e0 ELSE total_0 END"
            shares = [f"1 - ({share})", share]
        elif plan.link == "logit" and len(totals) == 1:
            shares = [self.chance("-total_0"), self.chance("total_0")]
        elif plan.link == "logit":
            more.append(f"{sql.largest(totals)} AS top")
            self.table("ipl_tops", f"  SELECT *,\n    {_lines(more)}\n  FROM ipl_totals")
            far = sql.number(-_FAR)
            powers = [
                f"exp(CASE WHEN {total} - top > {far} THEN {total} - top "
                f"WHEN {total} - top <= {far} THEN {far} END) AS power_{place}"
                for place, total in enumerate(totals)
            ]
            self.table("ipl_powers", f"  SELECT *,\n    {_lines(powers)}\n  FROM ipl_tops")
            added = " + ".join(f"power_{place}" for place in range(len(totals)))
            shares = [f"power_{place} / ({added})" for place in range(len(totals))]
        columns = [f"({score}) AS score_{n}" for n, score in enumerate(scores)]
        if plan.classes:
            columns += [f"({share}) AS share_{n}" for n, share in enumerate(shares)]
        source = "ipl_powers" if more else "ipl_totals"
        self.table("ipl_scores", f"  SELECT ipl_row,\n    {_lines(columns)}\n  FROM {source}")
        chosen = [f"{self.decision(len(scores))} AS prediction"]
        if len(scores) == 1:
            chosen.append("r.score_0 AS score")
        else:
            chosen += [f"r.score_{n} AS score_{name}" for n, name in enumerate(self.names)]
        chosen += [f"r.share_{n} AS probability_{name}" for n, name in enumerate(self.names)]
        return (
            f"SELECT s.*,\n    {_lines(chosen)}\nFROM ipl_source AS s\n"
            f"INNER JOIN ipl_scores AS r ON s.{self.key} = r.ipl_row"
        )

    def decision(self, n_scores: int) -> str:
        """Write the prediction: the class, of equal ones the first; for a regression the value."""
        if not self.plan.classes:
            return "r.score_0"
        labels = self.labels()
        if n_scores == 1:
            return f"CASE WHEN r.score_0 > 0 THEN {labels[1]} WHEN r.score_0 <= 0 THEN {labels[0]} END"
        cases = []
        for n, label in enumerate(labels):
            others = " AND ".join(f"r.score_{n} >= r.score_{m}" for m in range(n + 1, n_scores))
            cases.append(f"WHEN {others or f'r.score_{n} IS NOT NULL'} THEN {label}")
        return f"CASE {' '.join(cases)} END"

    def labels(self) -> list[str]:
        """Write the classes."""
        kinds = {kind_of(label) for label in self.plan.classes}
        if len(kinds) > 1:
            raise ExportError(
                f"the classes are of several kinds ({', '.join(sorted(kinds))}), and a column of SQL has "
                "one; name them all by strings; nothing was written"
            )
        if kinds == {"truth values"}:
            return [self.truth(label is True) for label in self.plan.classes]
        if kinds == {"strings"}:
            return [self.sql.string(str(label)) for label in self.plan.classes]
        if all(isinstance(label, int) for label in self.plan.classes):
            return [str(label) for label in self.plan.classes]
        return [self.sql.number(float(label)) for label in self.plan.classes]


def kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "strings"
    return "truth values" if isinstance(value, bool) else "numbers"


def _lines(columns: Iterable[str]) -> str:
    return ",\n    ".join(columns)


def column_names(plan: Plan) -> list[str]:
    """Name the columns of classes: as the classes where these make plain names, else by number."""
    names = [str(label).lower() for label in plan.classes]
    plain = all(name.isascii() and name.replace("_", "a").isalnum() and len(name) <= 40 for name in names)
    return names if plain and len(set(names)) == len(names) else [str(n) for n in range(len(names))]
