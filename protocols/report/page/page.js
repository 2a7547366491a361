// Shows the numbers that the page brings along. It computes no statistic: places on the screen and the order of rows only.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const contenders = data.contenders;
  const comma = (n) => n.toLocaleString("en-GB");
  const two = (x) => x.toFixed(2);
  const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2);
  const probability = (p) => (p < 0.001 ? "<0.001" : p.toFixed(3));
  const key = (c, b) => c + "/" + b;
  const summaries = new Map(data.summaries.map((s) => [key(s.c, s.b), s]));
  const differences = new Map(
    Object.entries(data.differences).map(([name, list]) => [name, new Map(list.map((d) => [key(d.c, d.b), d]))]));
  const trials = new Map();
  for (const t of data.trials) {
    const k = key(t[0], t[1]);
    if (!trials.has(k)) trials.set(k, []);
    trials.get(k).push(t);
  }
  const state = { statistic: "se", baseline: data.baseline, sort: "b", ascending: true };
  const boxes = [...document.querySelectorAll("input[name=contender]")];
  const placeOf = new Map(contenders.map((c, i) => [c.name, i]));

  const make = (tag, attributes = {}, ...children) => {
    const svg = ["svg", "g", "path", "line", "text", "circle", "polygon", "title"].includes(tag);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
      else node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const series = (c, tag, attributes, ...children) =>
    make(tag, { ...attributes, class: "series " + (attributes.class || ""), style: { "--light": c.light, "--dark": c.dark } }, ...children);

  const shape = (kind, x, y, r) => {
    const at = (points) => "M" + points.map(([dx, dy]) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`).join("L") + "Z";
    if (kind === "square") return at([[-.9, -.9], [.9, -.9], [.9, .9], [-.9, .9]]);
    if (kind === "triangle") return at([[0, -1.15], [1.1, .85], [-1.1, .85]]);
    if (kind === "down") return at([[0, 1.15], [1.1, -.85], [-1.1, -.85]]);
    if (kind === "diamond") return at([[0, -1.25], [1.1, 0], [0, 1.25], [-1.1, 0]]);
    if (kind === "plus") {
      const a = .4, b = 1.15;
      return at([[-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a]]);
    }
    return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  };
  const dashes = (c, scale = 2) => (c.dash.length ? c.dash.map((d) => d * scale).join(" ") : null);
  const swatch = (c) => make("svg", { width: 52, height: 12, "aria-hidden": "true" },
    make("path", { d: "M0 6H52", "stroke-width": 2, "stroke-dasharray": dashes(c, 1.3) }),
    make("path", { class: "mark", d: shape(c.marker, 26, 6, 4) }));
  for (const node of document.querySelectorAll(".swatch")) node.append(swatch(contenders[placeOf.get(node.dataset.contender)]));

  const isChosen = () => {
    const names = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    return (i) => names.has(contenders[i].name);
  };

  // What is drawn at a point: centre and ends, all as Python wrote them.
  const value = (c, b) => {
    const s = summaries.get(key(c, b));
    if (!s) return null;
    if (state.statistic === "difference") {
      const d = differences.get(state.baseline).get(key(c, b));
      return d ? { mean: d.mean, low: d.low, high: d.high } : null;
    }
    if (state.statistic === "interval") return { mean: s.mean, low: s.low, high: s.high };
    const margin = s[state.statistic];
    return margin === null ? { mean: s.mean, low: null, high: null } : { mean: s.mean, low: s.mean - margin, high: s.mean + margin };
  };
  const words = (c, b) => {
    const s = summaries.get(key(c, b));
    const over = `n = ${s.n} ${s.over}`;
    if (state.statistic === "difference") {
      const d = differences.get(state.baseline).get(key(c, b));
      const ends = d.low === null ? `${d.n > 1 ? "equal pairs" : "one pair"}, no interval` : `95 % interval ${signed(d.low)} to ${signed(d.high)}`;
      return [`${signed(d.mean)} points to ${state.baseline}`, ends, `${d.n} pair${d.n > 1 ? "s" : ""}` + (d.n > 1 ? `, p Holm ${probability(d.holm)}` : "")];
    }
    if (state.statistic === "interval") {
      return [`${two(s.mean)} % mean error`, s.low === null ? "no interval" : `95 % interval ${two(s.low)} to ${two(s.high)}`, over];
    }
    const name = state.statistic === "se" ? "standard error" : "standard deviation";
    const margin = s[state.statistic];
    return [margin === null ? `${two(s.mean)} % error` : `${two(s.mean)} ± ${two(margin)} % error`, margin === null ? `no ${name}` : `± ${name}`, over];
  };

  // ---- the curves
  const tip = make("div", { id: "tip", hidden: "" });
  let points = [];
  let current = null; // the point that Tab goes to
  const show = (p) => {
    for (const other of points) other.node.classList.toggle("on", other === p);
    if (!p) { tip.hidden = true; return; }
    tip.replaceChildren(make("strong", {}, `${contenders[p.c].label}, ${comma(p.b)} labels`), ...words(p.c, p.b).map((line) => make("div", {}, line)),
      make("div", { class: "small" }, "click or Enter: its trials"));
    tip.hidden = false;
    const width = $("chart").clientWidth;
    const x = p.x + 14 + tip.offsetWidth > width ? p.x - 14 - tip.offsetWidth : p.x + 14;
    tip.style.left = Math.max(0, Math.min(x, width - tip.offsetWidth)) + "px";
    tip.style.top = Math.max(0, p.y - tip.offsetHeight - 8) + "px";
  };
  const nearest = (event) => {
    const box = $("chart").getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, least = 30;
    for (const p of points) {
      const distance = Math.hypot(p.x - x, p.y - y);
      if (distance < least) { least = distance; best = p; }
    }
    return best;
  };
  const move = (p, name) => {
    const same = (test, by) => points.filter(test).sort((a, b) => by(a) - by(b));
    const row = same((q) => q.c === p.c, (q) => q.b), column = same((q) => q.b === p.b, (q) => q.y);
    const next = {
      ArrowRight: row[row.indexOf(p) + 1], ArrowLeft: row[row.indexOf(p) - 1], Home: row[0], End: row[row.length - 1],
      ArrowDown: column[column.indexOf(p) + 1], ArrowUp: column[column.indexOf(p) - 1],
    }[name];
    if (!next) return;
    p.node.setAttribute("tabindex", "-1");
    next.node.setAttribute("tabindex", "0");
    current = key(next.c, next.b);
    next.node.focus();
  };
  // places from top to bottom, moved apart as little as possible (isotonic regression), kept inside the chart
  const spread = (wanted, step, top, bottom) => {
    const blocks = [];
    wanted.forEach((y, i) => {
      blocks.push([y - i * step, 1]);
      while (blocks.length > 1 && blocks.at(-2)[0] / blocks.at(-2)[1] > blocks.at(-1)[0] / blocks.at(-1)[1]) {
        const [sum, n] = blocks.pop();
        blocks.at(-1)[0] += sum;
        blocks.at(-1)[1] += n;
      }
    });
    const places = blocks.flatMap(([sum, n]) => Array(n).fill(sum / n)).map((y, i) => y + i * step);
    return places.map((y, i) => Math.max(Math.min(y, bottom - (places.length - 1 - i) * step), top + i * step));
  };

  const draw = () => {
    const chosen = isChosen();
    const difference = state.statistic === "difference";
    const width = Math.max($("chart").clientWidth, 240);
    const height = width < 560 ? 380 : 500;
    const lines = [];
    contenders.forEach((c, i) => {
      if (!chosen(i)) return;
      const found = data.budgets.map((b) => ({ b, v: value(i, b) })).filter((p) => p.v);
      if (found.length) lines.push({ c, i, found });
    });
    const names = Math.max(0, ...lines.map((l) => l.c.label.length));
    const labelled = width >= 640 && lines.length > 0 && lines.length * 15 <= height - 60;
    const margin = { top: 12, right: labelled ? 34 + names * 6.9 : 12, bottom: 46, left: 62 };
    const plot = { left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom };
    const inside = width < 560 ? 12 : 18; // room beside the first and the last budget
    const lb = data.budgets.map(Math.log10);
    const span = lb.at(-1) - lb[0] || 1;
    const x = (b) => (data.budgets.length === 1 ? (plot.left + plot.right) / 2
      : plot.left + inside + (Math.log10(b) - lb[0]) / span * (plot.right - plot.left - 2 * inside));
    const bend = difference ? (y) => Math.asinh(y / .5) : (y) => Math.log10(Math.max(y, data.floor));
    const ends = lines.flatMap((l) => l.found.flatMap(({ v }) => [v.mean, v.low ?? v.mean, v.high ?? v.mean])).map(bend);
    if (difference || !ends.length) ends.push(bend(difference ? 0 : 1), bend(difference ? 0 : 100));
    let low = Math.min(...ends), high = Math.max(...ends);
    const pad = Math.max((high - low) * .04, .02);
    low -= pad; high += pad;
    const y = (v) => plot.bottom - (bend(v) - low) / (high - low) * (plot.bottom - plot.top);
    const steps = [.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 50, 100];
    if (high - low < .6) steps.push(1.5, 3, 4, 6, 7, 8, 9, 15, 25, 30, 40, 60, 70, 80, 90);
    let ticks = (difference ? [...steps.filter((t) => t >= .2).map((t) => -t), 0, ...steps.filter((t) => t >= .2)] : steps)
      .filter((t) => bend(t) >= low && bend(t) <= high && (difference || t >= data.floor));
    const room = [];
    for (const t of difference ? ticks.sort((a, b) => Math.abs(a) - Math.abs(b)) : ticks) {
      if (room.every((other) => Math.abs(y(other) - y(t)) >= 18)) room.push(t);
    }
    ticks = room;

    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group",
      "aria-label": (difference ? `Difference to ${state.baseline} against labels.` : "Error against labels.")
        + " Arrow keys move between points, Enter lists the trials of a point." });
    for (const t of ticks) {
      svg.append(make("line", { class: difference && t === 0 ? "zero" : "grid", x1: plot.left, x2: plot.right, y1: y(t), y2: y(t) }),
        make("text", { class: "axis", x: plot.left - 7, y: y(t) + 4, "text-anchor": "end" }, difference && t > 0 ? `+${t}` : `${t}`.replace("-", "−")));
    }
    let last = -Infinity;
    for (const b of data.budgets) {
      svg.append(make("line", { class: "grid", x1: x(b), x2: x(b), y1: plot.top, y2: plot.bottom }));
      const half = comma(b).length * 3.4;
      if (x(b) - half < last + 6) continue; // a label that would run into its neighbour: the line stays
      last = x(b) + half;
      svg.append(make("text", { class: "axis", x: x(b), y: plot.bottom + 18, "text-anchor": "middle" }, comma(b)));
    }
    svg.append(make("text", { class: "axis", x: (plot.left + plot.right) / 2, y: height - 6, "text-anchor": "middle" }, "labels (log scale)"),
      make("text", { class: "axis", transform: `translate(13 ${(plot.top + plot.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" },
        difference ? "difference, points (asinh scale)" : "mean error, % (log scale)"));

    const old = points.length ? current : null;
    points = [];
    for (const [place, line] of lines.entries()) {
      const single = data.budgets.length === 1; // points beside each other: with all the room if there is one budget
      const room = single ? (plot.right - plot.left) * .7 : difference ? Math.min(14, inside * 1.2) : 0;
      const dodge = lines.length > 1 ? (place / (lines.length - 1) - .5) * room : 0;
      const group = series(line.c, "g", {});
      const at = line.found.map(({ b, v }) => ({ b, v, px: x(b) + dodge, py: y(v.mean) }));
      if (!difference && !single && at.length > 1) {
        const up = at.map((p) => `${p.px} ${y(p.v.high ?? p.v.mean)}`), down = at.map((p) => `${p.px} ${y(p.v.low ?? p.v.mean)}`).reverse();
        group.append(make("path", { class: "band", d: `M${[...up, ...down].join("L")}Z` }));
      } else {
        for (const p of at) if (p.v.low !== null) group.append(make("line", { class: "bar", x1: p.px, x2: p.px, y1: y(p.v.low), y2: y(p.v.high) }));
      }
      group.append(make("path", { class: "curve", d: "M" + at.map((p) => `${p.px} ${p.py}`).join("L"), "stroke-dasharray": dashes(line.c) }));
      line.end = at.at(-1);
      svg.append(group);
      for (const p of at) {
        const node = series(line.c, "g", { class: "point", role: "button", tabindex: "-1", "data-contender": line.c.name, "data-budget": p.b,
          "aria-haspopup": "dialog", "aria-label": `${line.c.label}, ${comma(p.b)} labels: ${words(line.i, p.b).join(", ")}` },
          make("circle", { class: "ring", cx: p.px, cy: p.py, r: 10 }),
          make("path", { class: "mark" + (p.v.low === null ? " alone" : ""), d: shape(line.c.marker, p.px, p.py, 4.6) }));
        const point = { node, c: line.i, b: p.b, x: p.px, y: p.py };
        node.addEventListener("focus", () => show(point));
        node.addEventListener("blur", () => show(null));
        node.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(point.c, point.b); }
          else if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") { event.preventDefault(); move(point, event.key); }
        });
        points.push(point);
      }
    }
    for (const p of points) svg.append(p.node); // above every line
    const first = points.find((p) => key(p.c, p.b) === old) || points[0];
    if (first) { first.node.setAttribute("tabindex", "0"); current = key(first.c, first.b); }
    if (labelled) {
      const order = [...lines].sort((a, b) => a.end.py - b.end.py);
      const places = spread(order.map((l) => l.end.py), 15, plot.top + 4, plot.bottom);
      order.forEach((l, i) => {
        const from = Math.max(l.end.px + 7, plot.right - inside + 7);
        svg.append(series(l.c, "g", {},
          make("path", { class: "thread", d: `M${l.end.px + 6} ${l.end.py}L${from} ${l.end.py}L${plot.right + 14} ${places[i]}H${plot.right + 20}` }),
          make("text", { x: plot.right + 24, y: places[i] + 4 }, l.c.label)));
      });
    }
    svg.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") show(nearest(event)); });
    svg.addEventListener("pointerleave", () => show(null));
    svg.addEventListener("click", (event) => {
      // assistive technology clicks an element, not a place: such a click has detail 0
      const p = event.detail === 0 ? points.find((q) => q.node.contains(event.target)) : nearest(event);
      if (p) open(p.c, p.b);
    });
    const focused = document.activeElement?.classList.contains("point");
    $("chart").replaceChildren(svg, tip);
    show(null);
    if (focused) first?.node.focus({ preventScroll: true });
    $("legend").hidden = labelled;
    $("legend").replaceChildren(...(labelled ? [] : lines.map((l) => series(l.c, "li", {}, make("span", { class: "swatch" }, swatch(l.c)), make("span", { class: "name" }, l.c.label)))));
    $("chosen").textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length}`;
    const line = data.budgets.length === 1 ? "Points stand beside each other to be distinguishable. Point: mean. Bar" : "Line: mean. Band";
    $("caption").textContent = {
      se: `${line}: ± one standard error (ddof = 1) over n; each point says its n.`,
      interval: `${line}: 95 % t interval of the mean; each point says its n.`,
      sd: `${line}: ± one standard deviation (ddof = 1) of the n values: single trials or, with several pretraining seeds, means of trials.`,
      difference: `Point: mean of (error − ${state.baseline}’s) on the same subsets; below 0 is better than ${state.baseline}. Bar: 95 % t interval, not corrected. Points stand beside each other at each budget to be distinguishable.`,
    }[state.statistic] + (lines.length ? "" : " No contender is chosen, or none shares a subset with the baseline.") 
      + (lines.some((l) => l.found.some(({ v }) => v.low === null)) ? ` Hollow: ${difference ? "one pair, or all equal, no interval" : state.statistic === "interval" ? "n = 1, or all equal, no interval" : "n = 1, no ±"}.` : "");
  };

  // ---- the table
  const columns = [
    { id: "name", head: "contender", of: (s) => contenders[s.c].name },
    { id: "b", head: "labels", of: (s) => s.b, show: (s) => comma(s.b) },
    { id: "mean", head: "error %", of: (s) => s.mean, show: (s) => two(s.mean) },
    { id: "se", head: "± SE", of: (s) => s.se, show: (s) => (s.se === null ? "" : two(s.se)) },
    { id: "n", head: "n", of: (s) => s.n, show: (s) => `${s.n} ${s.over}${s.d && s.d.n !== s.n ? ` (${s.d.n} pairs)` : ""}` },
    { id: "d", head: () => `Δ ${state.baseline} [95 %]`, of: (s) => s.d?.mean ?? null,
      show: (s) => (!s.d ? (contenders[s.c].name === state.baseline ? "baseline" : "-") : signed(s.d.mean) + (s.d.low === null ? "" : ` [${signed(s.d.low)}, ${signed(s.d.high)}]`)) },
    { id: "holm", head: "p Holm", of: (s) => (s.d && s.d.n > 1 ? s.d.holm : null), show: (s) => (s.d && s.d.n > 1 ? probability(s.d.holm) : "") },
    ...(data.summaries.some((s) => s.worth !== null)
      ? [{ id: "worth", head: `worth labels of ${data.baseline} [95 %]`, of: (s) => s.worth, show: (s) => s.labels }] : []),
    { id: "best", head: "P(best)", of: (s) => s.best, show: (s) => (s.best === null ? "" : two(s.best)) },
    { id: "median", head: "median", of: (s) => s.median, show: (s) => two(s.median) },
    { id: "tenth", head: "worst tenth", of: (s) => s.tenth, show: (s) => two(s.tenth) },
    { id: "worst", head: "worst", of: (s) => s.worst, show: (s) => two(s.worst) },
    { id: "sd", head: "SD", of: (s) => s.sd, show: (s) => (s.sd === null ? "" : two(s.sd)) },
    { id: "low", head: "95 % interval", of: (s) => s.low, show: (s) => (s.low === null ? "" : `${two(s.low)} to ${two(s.high)}`) },
    ...(data.summaries.some((s) => s.method[0] !== null)
      ? [{ id: "method", head: "method 95 %", of: (s) => s.method[0], show: (s) => (s.method[0] === null ? "" : `${two(s.method[0])} to ${two(s.method[1])}`) }] : []),
    ...(data.summaries.some((s) => s.method[0] !== null)
      ? [{ id: "dmethod", head: "Δ method 95 %", of: (s) => s.d?.method[0] ?? null,
        show: (s) => (!s.d || s.d.method[0] === null ? "" : `[${signed(s.d.method[0])}, ${signed(s.d.method[1])}]`) }] : []),
    { id: "reads", head: "reads", of: (s) => contenders[s.c].reads },
  ];
  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "string" ? a.localeCompare(b) : a - b;
  };
  const table = () => {
    const chosen = isChosen();
    const only = $("only-chosen").checked, budget = $("budget").value;
    const difference = differences.get(state.baseline);
    const rows = data.summaries.filter((s) => (!only || chosen(s.c)) && (!budget || s.b === Number(budget)))
      .map((s) => ({ ...s, d: difference.get(key(s.c, s.b)) }));
    const column = columns.find((c) => c.id === state.sort);
    const missingLast = (s) => column.of(s) === null;
    rows.sort((a, b) => (missingLast(a) - missingLast(b)) || (state.ascending ? 1 : -1) * compare(column.of(a), column.of(b)));
    const focused = document.activeElement?.dataset?.sort, kind = document.activeElement?.closest?.("table")?.dataset.kind;
    const build = (name, list) => [make("h3", {}, name), make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": name },
      make("table", { "data-kind": name, "aria-label": name },
        make("thead", {}, make("tr", {}, ...columns.map((c) => {
          const head = typeof c.head === "function" ? c.head() : c.head;
          return make("th", { scope: "col", "aria-sort": c.id === state.sort ? (state.ascending ? "ascending" : "descending") : "none" },
            make("button", { type: "button", "data-sort": c.id, onclick: () => {
              state.ascending = state.sort === c.id ? !state.ascending : true;
              state.sort = c.id;
              table();
            } }, head));
        }))),
        make("tbody", {}, ...list.map((s) => make("tr", {}, ...columns.map((c) => {
          const text = c.show ? c.show(s) : String(c.of(s));
          if (c.id === "name") return make("th", { scope: "row" }, contenders[s.c].label);
          if (c.id === "n") {
            return make("td", {}, make("button", { type: "button", "aria-haspopup": "dialog", class: s.n < 6 ? "few" : null,
              "aria-label": `${text}${s.n < 6 ? ", fewer than 6" : ""}: trials of ${contenders[s.c].label} at ${comma(s.b)} labels`, onclick: () => open(s.c, s.b) }, s.n < 6 ? text + " †" : text));
          }
          const bold = c.id === "mean" && s.leads;
          return make("td", { class: bold ? "best" : null, "aria-label": bold ? `${text}, ${data.leads_by}` : null }, text);
        }))))))];
    const unseen = only ? contenders.filter((c, i) => c.transductive && !chosen(i)).length : 0;
    const inductive = rows.filter((s) => !contenders[s.c].transductive), transductive = rows.filter((s) => contenders[s.c].transductive);
    $("tables").replaceChildren(
      ...(inductive.length ? build("Inductive contenders", inductive) : []),
      ...(transductive.length ? build("Transductive: these looked at what is scored, without labels", transductive) : []),
      ...(unseen ? [make("p", { class: "small" }, `Transductive and not among those chosen above: ${unseen}.`)] : []),
      ...(rows.length ? [make("p", { class: "small" }, `Bold: ${data.leads_by} at each budget among contenders that are not leaky. † n below 6. A click or Enter on n lists the trials.`)]
        : [make("p", {}, "Nothing to show: choose contenders above, or all budgets.")]));
    if (focused) {
      [...document.querySelectorAll(`[data-sort="${focused}"]`)].find((b) => b.closest("table").dataset.kind === kind)?.focus();
    }
  };

  // ---- the trials behind a point
  const plain = (x) => (x === null ? "none" : Array.isArray(x) ? x.map(plain).join("; ") || "none" : typeof x === "object" ? Object.entries(x).map(([k, v]) => `${k} ${v}`).join(", ") || "none" : String(x));
  const open = (c, b) => {
    const list = [...trials.get(key(c, b))].sort((p, q) => p[2] - q[2]);
    const contexts = list.map((t) => data.contexts[t[4]]);
    const fields = Object.keys(contexts[0]);
    const shared = fields.filter((f) => contexts.every((x) => JSON.stringify(x[f]) === JSON.stringify(contexts[0][f])));
    const varied = fields.filter((f) => !shared.includes(f));
    const s = summaries.get(key(c, b));
    $("trials-title").textContent = `${contenders[c].label}, ${comma(b)} labels`;
    const hashed = (field) => /hash|fingerprint|subset|predictions/.test(field);
    const cell = (text, hash) => make("td", hash ? { class: "hash", title: text } : {}, text);
    const whole = make("input", { type: "checkbox", onchange: (event) => $("trials-body").classList.toggle("whole", event.target.checked) });
    $("trials-body").classList.remove("whole");
    $("trials-body").replaceChildren(
      make("p", {}, `${list.length} trial${list.length > 1 ? "s" : ""}: mean error ${two(s.mean)} %`
        + (s.se === null ? "" : `, standard error ${two(s.se)}, standard deviation ${two(s.sd)}`) + (s.low === null ? "" : `, 95 % interval ${two(s.low)} to ${two(s.high)}`) + `; n = ${s.n} ${s.over}.`),
      make("label", { class: "small" }, whole, " whole hashes"),
      make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Trials" }, make("table", {},
        make("thead", {}, make("tr", {}, ...["seed", "error %", ...varied.map((f) => f.replaceAll("_", " ")), "subset", "predictions", "seconds"].map((h) => make("th", { scope: "col", class: hashed(h) ? "plain hash" : "plain" }, h)))),
        make("tbody", {}, ...list.map((t, i) => make("tr", {}, make("td", {}, String(t[2])), cell(String(t[3])), ...varied.map((f) => cell(plain(contexts[i][f]), hashed(f))),
          cell(data.subsets[t[5]], true), cell(t[6], true), cell(t[7] === null ? "" : t[7].toFixed(2))))))),
      make("h3", {}, list.length > 1 ? "The same for all of them" : "Its settings"),
      make("dl", {}, ...shared.flatMap((f) => [make("dt", {}, f.replaceAll("_", " ")), make("dd", {}, hashed(f) ? make("code", {}, plain(contexts[0][f])) : plain(contexts[0][f]))])));
    $("trials").showModal();
    $("trials").scrollTop = 0;
    $("close").focus();
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") show(null); });
  $("close").addEventListener("click", () => $("trials").close());
  $("trials").addEventListener("click", (event) => { if (event.target === $("trials")) $("trials").close(); });

  // ---- choices
  for (const name of Object.keys(data.differences)) $("baseline").append(make("option", { value: name }, name));
  $("baseline").value = state.baseline;
  const both = () => { draw(); table(); };
  $("statistic").addEventListener("change", (event) => { state.statistic = event.target.value; draw(); });
  $("baseline").addEventListener("change", (event) => { state.baseline = event.target.value; both(); });
  $("budget").addEventListener("change", table);
  $("only-chosen").addEventListener("change", table);
  for (const box of boxes) box.addEventListener("change", both);
  const tick = (test) => () => { for (const box of boxes) box.checked = test(contenders[placeOf.get(box.value)]); both(); };
  $("default").addEventListener("click", tick((c) => c.drawn));
  $("all").addEventListener("click", tick(() => true));
  $("none").addEventListener("click", tick(() => false));
  let seen = 0;
  new ResizeObserver(() => { const width = $("chart").clientWidth; if (width !== seen) { seen = width; draw(); } }).observe($("chart"));
  table();
})();
