
// The page. Whatever comes from the model or the reader is set as text, never as markup.

const SHOWN = 12;

/** Find where the n-grams of a text stand. */
function spans(text, phrases) {
  const found = [...text.matchAll(WORD)].map((m) => ({ word: normal(m[0]), from: m.index, to: m.index + m[0].length }));
  const sizes = new Set(phrases.map((phrase) => phrase.split(" ").length));
  const wanted = new Set(phrases);
  const places = new Map();
  for (const n of sizes) {
    for (let i = 0; i + n <= found.length; i++) {
      const gram = found.slice(i, i + n).map((one) => one.word).join(" ");
      if (!wanted.has(gram)) continue;
      if (!places.has(gram)) places.set(gram, []);
      places.get(gram).push([found[i].from, found[i + n - 1].to]);
    }
  }
  return places;
}

/** Say a condition in words. */
function said([kind, what, ...rest]) {
  const list = (values) => values.map((value) => JSON.stringify(value)).join(", ");
  if (kind === "mentions") {
    return `${rest[0] ? "does not mention" : "mentions"} ${list(MODEL.lexicons[what].phrases.slice(0, 6))}`;
  }
  if (kind === "answer") return `${rest[0] ? "no" : "yes"}: ${MODEL.questions[what]}`;
  if (kind === "term") return `value of ${JSON.stringify(what)} ${rest[0]} ${rest[1]}`;
  return kind === "column" ? `${what} ${rest[0]} ${rest[1]}` : `${what} is ${rest[1] ? "not " : ""}${list(rest[0])}`;
}

/** Make of values, one a total, one number for the prediction. */
function towards(values, place) {
  if (MODEL.link === "share" && values.length === 2) return values[1] - values[0];
  if (values.length === 1) return values[0];
  return values[place] - values.reduce((a, b) => a + b, 0) / values.length;
}

/** List what made the prediction of a row: reasons with a number, and the phrases that each looks at. */
export function explain(raw) {
  const row = new Row(raw, 0);
  const scores = scoresOf(row.totals());
  const place = scores.length === 1 ? 0 : scores.indexOf(Math.max(...scores));
  const scale = MODEL.mean ? 1 / MODEL.parts.length : 1;
  const reasons = [];
  const ofTable = (table, factor, name) => {
    const { lo, hi, root, rows } = TABLES[table];
    const found = row.grams(lo, hi);
    const norm = root && found.size ? Math.sqrt(found.size) : 1;
    for (const gram of found) {
      if (rows.has(gram)) reasons.push(name(gram, factor(rows.get(gram).map((weight) => weight / norm))));
    }
  };
  for (const part of MODEL.parts) {
    const [kind, what, weights] = part;
    if (kind === "score") {
      ofTable(what, (row_) => towards(row_, place), (gram, adds) => ({ name: `"${gram}"`, adds, phrases: [gram], shown: true }));
    } else if (kind === "answer") {
      const chance = row.answer(what);
      const adds = towards(weights, place) * chance;
      reasons.push({ name: `${MODEL.questions[what]} ${Math.round(100 * chance)} % yes`, adds, phrases: [], shown: true });
      const slope = towards(weights, place) * chance * (1 - chance);
      ofTable(what, ([weight]) => weight * slope, (gram, moved) => ({ adds: moved, phrases: [gram], shown: false }));
    } else if (kind === "tree") {
      reasons.push(ofTree(row, what, place, scale));
    } else if (kind === "terms") {
      for (const [phrase, ...each] of what) {
        const value = row.term(phrase);
        if (value) reasons.push({ name: `"${phrase}"`, adds: towards(each.map((w) => w * value), place), phrases: [phrase], shown: true });
      }
    } else {
      reasons.push({ name: `${what} = ${row.columns.get(what) ?? "missing"}`, adds: towards(row.part(part), place), phrases: [], shown: true });
    }
  }
  return reasons.filter((reason) => reason.adds !== 0 || MODEL.parts.length === 1);
}

/** Explain a tree by the conditions on the row's path; what it adds is told beside the mean of its leaves. */
function ofTree(row, steps, place, scale) {
  const path = row.path(steps);
  const leaf = towards(steps[path.at(-1)][3], place);
  const leaves = steps.filter((step) => step[0].length === 0).map((step) => towards(step[3], place));
  const mean = leaves.reduce((a, b) => a + b, 0) / leaves.length;
  const reasons = [];
  const phrases = [];
  path.slice(0, -1).forEach((number, i) => {
    const [conditions, yes] = steps[number];
    const held = path[i + 1] === yes;
    const missing = conditions.some((condition) => row.holds(condition) === null);
    const text = conditions.map(said).join(" and ") + (missing ? " (missing)" : "");
    if (held || !isChain(steps)) reasons.push(held ? text : `not (${text})`);
    for (const [kind, what] of conditions) {
      if (kind === "mentions") phrases.push(...MODEL.lexicons[what].phrases);
      if (kind === "term") phrases.push(what);
      if (kind === "answer") phrases.push(...TABLES[what].rows.keys());
    }
  });
  const ruleSet = steps.length === 3 && steps[2][3].every((value) => value === 0) && !MODEL.mean;
  const adds = scale * (ruleSet ? leaf : leaf - mean);
  return { name: reasons.join(" and ") || "none of the rules", adds, phrases, shown: true };
}

/** A rule list: each yes branch is a leaf. */
function isChain(steps) {
  return steps.every(([conditions, yes]) => conditions.length === 0 || steps[yes][0].length === 0);
}

/** Cut a text into stretches, each with the sum of what the reasons that look at it add. */
export function coloured(text, reasons) {
  const adds = new Array(text.length).fill(0);
  for (const { adds: value, phrases } of reasons) {
    for (const places of spans(text, phrases).values()) {
      for (const [from, to] of places) for (let i = from; i < to; i++) adds[i] += value;
    }
  }
  const stretches = [];
  for (let i = 0; i < text.length; i++) {
    if (i > 0 && adds[i] === adds[i - 1]) stretches.at(-1).text += text[i];
    else stretches.push({ text: text[i], adds: adds[i] });
  }
  return stretches;
}

/** Read what is typed into the field of a column: nothing is missing. */
function typed(input, kind, known) {
  const value = input.value;
  if (value === "") return null;
  if (kind === "number") return Number(value);
  const same = known.find((one) => String(one) === value || (typeof one === "number" && one === Number(value)));
  return same ?? value;
}

function start(document) {
  const at = (id) => document.getElementById(id);
  const make = (tag, text, attributes = {}) => {
    const element = Object.assign(document.createElement(tag), attributes);
    if (text !== null) element.textContent = text;
    return element;
  };
  const known = new Map(MODEL.columns.map(([name]) => [name, []]));
  for (const [kind, steps] of MODEL.parts) {
    if (kind !== "tree") continue;
    for (const [conditions] of steps) {
      for (const [of, name, values] of conditions) if (of === "is") known.get(name).push(...values);
    }
  }
  const inputs = MODEL.columns.map(([name, kind], number) => {
    const field = make("div", null);
    const input = make("input", null, { id: `column-${number}`, type: kind === "number" ? "number" : "text", step: "any", placeholder: "missing" });
    field.append(make("label", name, { htmlFor: input.id }), input);
    if (known.get(name).length) {
      const list = make("datalist", null, { id: `values-${number}` });
      for (const value of new Set(known.get(name))) list.append(make("option", null, { value: String(value) }));
      input.setAttribute("list", list.id);
      field.append(list);
    }
    at("columns").append(field);
    return [name, kind, input];
  });
  at("text-field").hidden = !MODEL.readsText;
  at("words-field").hidden = !MODEL.readsText;

  const show = () => {
    const text = at("text").value;
    const cells = inputs.map(([name, kind, input]) => [name, typed(input, kind, known.get(name))]);
    const row = Object.fromEntries([...cells, ...(MODEL.readsText ? [[MODEL.text, text]] : [])]);
    const rows = [inputs.length ? row : text];
    at("error").hidden = true;
    try {
      const [prediction] = predict(rows);
      at("prediction").textContent = typeof prediction === "number" ? String(Number(prediction.toPrecision(6))) : String(prediction);
      const shares = MODEL.classes.length ? predictProba(rows)[0] : [];
      at("probabilities").replaceChildren(...shares.map((share, number) => {
        const bar = make("div", null, { className: "bar" });
        const track = make("span", null, { className: "track" });
        const fill = make("i", null);
        fill.style.width = `${100 * share}%`;
        track.append(fill);
        bar.append(make("span", String(MODEL.classes[number])), track, make("span", `${(100 * share).toFixed(1)} %`));
        return bar;
      }));
      const reasons = explain(rows[0]);
      at("side").textContent = MODEL.classes.length === 0 ? "a higher value" : String(MODEL.classes.length === 2 ? MODEL.classes[1] : prediction);
      const stretches = coloured(text, reasons);
      const most = Math.max(...stretches.map(({ adds }) => Math.abs(adds)), 1e-300);
      at("words").replaceChildren(...stretches.map(({ text: part, adds }) => {
        if (!adds) return document.createTextNode(part);
        const mark = make("mark", part, { className: adds > 0 ? "for" : "against", title: adds.toPrecision(3) });
        mark.style.setProperty("--strength", String(0.25 + 0.75 * Math.abs(adds) / most));
        return mark;
      }));
      const strongest = reasons.filter(({ shown }) => shown).sort((a, b) => Math.abs(b.adds) - Math.abs(a.adds));
      at("reasons").replaceChildren(...strongest.slice(0, SHOWN).map(({ name, adds }) => {
        const line = make("tr", null);
        line.append(make("td", name), make("td", `${adds > 0 ? "+" : ""}${Number(adds.toPrecision(4))}`));
        return line;
      }));
    } catch (error) {
      at("error").textContent = error.message;
      at("error").hidden = false;
    }
  };
  document.addEventListener("input", show);
  const given = new URLSearchParams(document.location.hash.slice(1)).get("text");
  if (given) at("text").value = given;
  show();
}

if (typeof document !== "undefined") start(document);
