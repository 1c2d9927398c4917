// The scorer. It does what the Python library does, number for number: texts are cut into words by the same
// rule, and sums are correctly rounded, so that their order does not matter.

// A word: letters, digits and underscores, with the combining accents that follow them, joined by inner
// apostrophes; and each single "!" and "?".
const WORD = /[\p{L}\p{N}_][\p{L}\p{N}_\u0300-\u036f]*(?:['\u2019][\p{L}\p{N}_][\p{L}\p{N}_\u0300-\u036f]*)*|[!?]/gu;
const RUN = /[\p{L}\p{N}_]{2,}/gu;

/** Give a word as tables spell it: lower case, one apostrophe, one Greek sigma. */
function normal(word) {
  return word.toLowerCase().replaceAll("\u2019", "'").replaceAll("\u03c2", "\u03c3");
}

/** Cut a text into lower-case words, in order. */
export function words(text) {
  return (text.match(WORD) ?? []).map(normal);
}

/** Cut a text into runs of two letters, digits and underscores or more, as scikit-learn's vectorizers do. */
export function runs(text) {
  return normal(text).match(RUN) ?? [];
}

/** List the n-grams of some words, repeats and all. */
function grams(found, lo, hi) {
  const all = [];
  for (let n = lo; n <= Math.min(hi, found.length); n++) {
    for (let i = 0; i + n <= found.length; i++) {
      all.push(n === 1 ? found[i] : found.slice(i, i + n).join(" "));
    }
  }
  return all;
}

/** Add up, rounding once (Shewchuk 1997). */
export function fsum(values) {
  const partials = [];
  for (let x of values) {
    let kept = 0;
    for (let i = 0; i < partials.length; i++) {
      let y = partials[i];
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low) partials[kept++] = low;
      x = high;
    }
    partials.length = kept;
    partials.push(x);
  }
  let n = partials.length;
  if (n === 0) return 0;
  let sum = partials[--n];
  let rest = 0;
  while (n > 0) {
    const x = sum;
    const y = partials[--n];
    sum = x + y;
    rest = y - (sum - x);
    if (rest) break;
  }
  // Half-way cases: what lies below decides.
  if (n > 0 && ((rest < 0 && partials[n - 1] < 0) || (rest > 0 && partials[n - 1] > 0))) {
    const twice = rest * 2;
    const up = sum + twice;
    if (twice === up - sum) sum = up;
  }
  return sum;
}

/** Turn the scores of one row into the probabilities of its classes. */
function softmax(scores) {
  if (scores.length === 1) {
    const odds = Math.exp(-Math.abs(scores[0]));
    const less = odds / (1 + odds);
    const more = 1 / (1 + odds);
    return scores[0] > 0 ? [less, more] : [more, less];
  }
  const top = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - top));
  const total = fsum(shares);
  return shares.map((share) => share / total);
}

const TABLES = MODEL.tables.map((table) => ({
  ...table,
  rows: new Map(table.rows.map(([gram, ...weights]) => [gram, weights])),
}));
const LEXICONS = MODEL.lexicons.map((lexicon) => ({ ...lexicon, phrases: new Set(lexicon.phrases) }));
const VECTORIZER = MODEL.vectorizer && {
  ...MODEL.vectorizer,
  idf: new Map(MODEL.vectorizer.idf),
  stop: new Set(MODEL.vectorizer.stop_words),
};

/** Give true and false as the numbers that they are equal to in Python. */
function plain(value) {
  return typeof value === "boolean" ? Number(value) : value;
}

/** One row: its text and columns, checked; what is looked at twice is worked out once. */
class Row {
  constructor(row, number) {
    this.cuts = new Map();
    this.found = null;
    this.values = null;
    this.columns = new Map();
    const names = MODEL.columns.length > 0 || typeof row !== "string";
    if (names && (typeof row !== "object" || row === null)) {
      throw new TypeError(`row ${number} is neither a text nor an object with the columns that the model looks at`);
    }
    const cell = (name) => {
      if (!Object.hasOwn(row, name)) throw new TypeError(`row ${number} has no column ${JSON.stringify(name)}`);
      return row[name];
    };
    this.text = !MODEL.readsText ? "" : names ? cell(MODEL.text) : row;
    if (typeof this.text !== "string") throw new TypeError(`the text of row ${number} is not a string`);
    for (const [name, kind] of MODEL.columns) {
      let value = plain(cell(name));
      if (value === undefined || Number.isNaN(value)) value = null;
      if (value !== null && typeof value !== "number" && (kind === "number" || typeof value !== "string")) {
        throw new TypeError(`column ${JSON.stringify(name)} of row ${number} cannot be used: ${String(value)}`);
      }
      this.columns.set(name, value);
    }
  }

  /** Give the distinct n-grams of the text. */
  grams(lo, hi) {
    const key = `${lo} ${hi}`;
    if (!this.cuts.has(key)) {
      this.found ??= words(this.text);
      this.cuts.set(key, new Set(grams(this.found, lo, hi)));
    }
    return this.cuts.get(key);
  }

  /** Score the text by a table. */
  scores({ lo, hi, root, intercept, rows }) {
    const found = this.grams(lo, hi);
    const norm = root && found.size ? Math.sqrt(found.size) : 1;
    const hits = [...found].filter((gram) => rows.has(gram)).map((gram) => rows.get(gram));
    return intercept.map((base, place) => base + fsum(hits.map((weights) => weights[place])) / norm);
  }

  /** Answer a question by its table. */
  answer(table) {
    return softmax(this.scores(TABLES[table]))[1];
  }

  /** Give the number of a phrase, as a vectorizer does; 0 where the text does not have it. */
  term(phrase) {
    this.values ??= this.vectorize();
    return this.values.get(phrase) ?? 0;
  }

  vectorize() {
    const { cut, lo, hi, stop, count, norm, idf } = VECTORIZER;
    const kept = (cut === "runs" ? runs(this.text) : words(this.text)).filter((word) => !stop.has(word));
    const counts = new Map();
    for (const gram of grams(kept, lo, hi)) {
      if (idf.has(gram)) counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    const values = new Map();
    for (const [gram, n] of counts) {
      values.set(gram, (count === "log" ? 1 + Math.log(n) : count === "binary" ? 1 : n) * idf.get(gram));
    }
    if (norm === "none" || values.size === 0) return values;
    const all = [...values.values()];
    const size = norm === "l2" ? Math.sqrt(fsum(all.map((v) => v * v))) : fsum(all.map(Math.abs));
    if (size) for (const [gram, value] of values) values.set(gram, value / size);
    return values;
  }

  /** Tell whether a condition holds; null where what it looks at is missing. */
  holds([kind, what, ...rest]) {
    if (kind === "mentions") {
      const { lo, hi, phrases } = LEXICONS[what];
      const found = this.grams(lo, hi);
      return [...phrases].some((phrase) => found.has(phrase)) !== rest[0];
    }
    if (kind === "answer") return this.answer(what) > 0.5 !== rest[0];
    if (kind === "term") return compare(this.term(what), ...rest);
    const value = this.columns.get(what);
    if (value === null) return null;
    return kind === "column" ? compare(value, ...rest) : rest[0].some((known) => plain(known) === value) !== rest[1];
  }

  /** Lead the row through a tree; gives the numbers of the nodes that it passes. */
  path(steps) {
    const passed = [0];
    for (;;) {
      const [conditions, yes, no, , missing] = steps[passed.at(-1)];
      if (conditions.length === 0) return passed;
      const told = conditions.map((condition) => this.holds(condition));
      const goes = told.includes(null) ? missing : !told.includes(false);
      passed.push(goes ? yes : no);
    }
  }

  /** Give what a part of the model adds to each total. */
  part([kind, what, ...rest]) {
    if (kind === "score") return this.scores(TABLES[what]);
    if (kind === "tree") return what[this.path(what).at(-1)][3];
    if (kind === "answer") return rest[0].map((weight) => weight * this.answer(what));
    if (kind === "terms") {
      const sums = MODEL.base.map(() => []);
      for (const [phrase, ...weights] of what) {
        weights.forEach((weight, place) => sums[place].push(this.term(phrase) * weight));
      }
      return sums.map(fsum);
    }
    const [low, high, missing, weights] = rest;
    const value = this.columns.get(what);
    return weights.map((weight) => (value === null ? missing : Math.min(Math.max(value, low), high)) * weight);
  }

  totals() {
    const parts = MODEL.parts.map((part) => this.part(part));
    const columns = MODEL.base.map((base, place) => parts.map((part) => part[place]));
    if (MODEL.mean) return columns.map((column) => fsum(column) / column.length);
    return columns.map((column, place) => fsum([MODEL.base[place], ...column]));
  }
}

function compare(value, sign, bound) {
  if (sign === "<=") return value <= bound;
  if (sign === ">") return value > bound;
  return sign === "<" ? value < bound : value >= bound;
}

/** Turn totals into scores. */
function scoresOf(totals) {
  if (MODEL.link === "share") return totals.length === 2 ? [totals[1] - totals[0]] : totals;
  return MODEL.link === "clip" ? [2 * totals[0] - 1] : totals;
}

/** Turn totals into the probabilities of the classes. */
function sharesOf(totals) {
  if (MODEL.link === "share") return totals;
  if (MODEL.link === "clip") {
    const share = Math.min(Math.max(totals[0], 0), 1);
    return [1 - share, share];
  }
  return softmax(totals);
}

function allTotals(rows) {
  if (!Array.isArray(rows)) throw new TypeError("give an array of rows: [row]");
  return rows.map((row, number) => new Row(row, number).totals());
}

/** Decide by the scores of one row; of equal ones the first. */
function decide(scores) {
  if (MODEL.classes.length === 0) return scores[0];
  if (scores.length === 1) return MODEL.classes[Number(scores[0] > 0)];
  return MODEL.classes[scores.indexOf(Math.max(...scores))];
}

/** Score rows: a number each (two classes: above 0 is the second), or an array with one a class. */
export function decisionFunction(rows) {
  return allTotals(rows).map(scoresOf).map((scores) => (scores.length === 1 ? scores[0] : scores));
}

/** Predict the class of each row; for a regression its value. */
export function predict(rows) {
  return allTotals(rows).map(scoresOf).map(decide);
}

/** Predict the probability of each class, in the order of MODEL.classes, for each row. */
export function predictProba(rows) {
  if (MODEL.classes.length === 0) throw new Error("a regression model has no probabilities; use predict");
  return allTotals(rows).map(sharesOf);
}
