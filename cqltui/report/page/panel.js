// A panel of a figure: what is drawn there, and which part of it is shown. A place in it is [u, v], from [0, 0] at its
// lower left to [1, 1] at its upper right, as it is drawn at first.
const SVG = "http://www.w3.org/2000/svg";
const MOST = 4000; // times larger
const BESIDE = 16; // an axis is what belongs to it, in points
const make = (name, attributes, parent, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
};
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const share = (axis, value) => {
  const [low, high] = axis.ends;
  return axis.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
};
const valueAt = (axis, at) => {
  const [low, high] = axis.ends;
  return axis.log ? low * (high / low) ** at : low + (high - low) * at;
};

// How a value reads; `step`: what is between two neighbours on an axis.
const said = (axis, value, step) => {
  if (axis.names) return axis.names[Math.round(value)] ?? "";
  if (axis.format === "time") {
    const iso = new Date(value * 1000).toISOString();
    const day = Math.abs(axis.ends[1] - axis.ends[0]) > 86400 ? iso.slice(0, 10) + " " : "";
    return day + iso.slice(11, step < 60 || step === undefined ? 19 : 16);
  }
  const unit = axis.format === "percent" ? " %" : "";
  const shown = axis.format === "percent" ? value * 100 : value;
  const size = Math.abs(shown);
  const between = step === undefined ? undefined : axis.format === "percent" ? step * 100 : step;
  let digits = between === undefined ? (size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 4) : clamp(-Math.floor(Math.log10(between) + 1e-9), 0, 8);
  if (Number.isInteger(shown)) digits = 0;
  if (between === undefined && size > 0 && size < 0.001) return shown.toExponential(2).replace("-", "\u2212") + unit;
  return shown.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "\u2212") + unit;
};

const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const ticks = (axis, low, high, wanted) => {
  const [from, to] = [valueAt(axis, low), valueAt(axis, high)].sort((a, b) => a - b);
  if (axis.log && to / from > 20) {
    const found = [];
    for (let power = Math.ceil(Math.log10(from) - 1e-9); power <= Math.log10(to) + 1e-9; power++) found.push([10 ** power, 10 ** power]);
    return found;
  }
  const rough = (to - from) / wanted;
  const scale = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((each) => each * scale).find((each) => each >= rough - 1e-12);
  if (axis.names) step = Math.max(1, Math.round(step));
  if (axis.format === "time") step = TIMES.find((each) => each >= rough) ?? 86400 * Math.ceil(rough / 86400);
  const found = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9 && found.length < 60; n++) found.push([n * step + 0, step]);
  return found;
};

class Panel {
  constructor(told, drawing) {
    Object.assign(this, told);
    [this.left, this.top, this.width, this.height] = told.box;
    this.drawing = drawing;
    this.reset();
    this.spots = told.marks.flatMap((mark, of) => mark.at[0].map((x, i) => {
      const y = mark.at[1][i];
      return { mark, of, i, x, y, u: share(this.x, x), v: share(this.y, y) };
    })).filter((spot) => spot.x !== null && spot.y !== null && Number.isFinite(spot.u) && Number.isFinite(spot.v));
  }
  reset() { this.view = [0, 1, 0, 1]; }
  get isWhole() { return this.view.join() === "0,1,0,1"; }
  seen(u, v) {
    const [u0, u1, v0, v1] = this.view;
    return [(u - u0) / (u1 - u0), (v - v0) / (v1 - v0)];
  }
  place(u, v) {
    const [a, b] = this.seen(u, v);
    return [this.left + a * this.width, this.top + (1 - b) * this.height];
  }
  at(x, y) {
    const [u0, u1, v0, v1] = this.view;
    return [u0 + (x - this.left) / this.width * (u1 - u0), v0 + (1 - (y - this.top) / this.height) * (v1 - v0)];
  }
  has(x, y, more = 0) {
    return x >= this.left - more && x <= this.left + this.width + more && y >= this.top - more && y <= this.top + this.height + more;
  }
  isSeen(spot) {
    const [a, b] = this.seen(spot.u, spot.v);
    return a >= -1e-6 && a <= 1 + 1e-6 && b >= -1e-6 && b <= 1 + 1e-6;
  }
  zoom(factor, u, v) {
    const [u0, u1, v0, v1] = this.view;
    this.show([u - (u - u0) * factor, u + (u1 - u) * factor, v - (v - v0) * factor, v + (v1 - v) * factor]);
  }
  move(across, up) {
    const [u0, u1, v0, v1] = this.view;
    const [du, dv] = [across * (u1 - u0), up * (v1 - v0)];
    this.show([u0 + du, u1 + du, v0 + dv, v1 + dv]);
  }
  show([u0, u1, v0, v1]) {
    const fit = (low, high) => {
      const size = clamp(high - low, 1 / MOST, 1);
      const from = clamp((low + high - size) / 2, 0, 1 - size);
      return size === 1 ? [0, 1] : [from, from + size];
    };
    this.view = [...fit(u0, u1), ...fit(v0, v1)];
    this.draw();
  }
  // What is drawn between the axes: whatever is clipped to this panel.
  get content() {
    if (this.found) return this.found;
    const near = (a, b) => Math.abs(a - b) < 1.5;
    const clips = [...this.drawing.querySelectorAll("clipPath")].filter((clip) => {
      const box = clip.querySelector("rect");
      return box && near(+box.getAttribute("x"), this.left) && near(+box.getAttribute("y"), this.top)
        && near(+box.getAttribute("width"), this.width) && near(+box.getAttribute("height"), this.height);
    }).map((clip) => `url(#${clip.id})`);
    this.found = [...this.drawing.querySelectorAll("[clip-path]")].filter((each) => clips.includes(each.getAttribute("clip-path")));
    for (const each of this.found) {
      const outer = make("g", { "clip-path": each.getAttribute("clip-path") });
      each.replaceWith(outer);
      outer.append(each);
      each.removeAttribute("clip-path");
      for (const use of each.tagName === "use" ? [each] : each.querySelectorAll("use")) use.was = [+use.getAttribute("x"), +use.getAttribute("y")];
    }
    return this.found;
  }
  // What tells the values of the whole: the grid, what is written at its lines, and what is written between the axes.
  get fixed() {
    if (this.written) return this.written;
    const [right, bottom] = [this.left + this.width, this.top + this.height];
    const texts = [...this.drawing.querySelectorAll("text")].filter((text) => {
      const turn = text.getAttribute("transform") ?? "";
      if (/rotate\(-?90/.test(turn)) return false;
      const [, x, y] = (/translate\((\S+) (\S+)\)/.exec(turn) ?? [0, text.getAttribute("x"), text.getAttribute("y")]).map(Number);
      const below = y > bottom && y < bottom + BESIDE && x > this.left - BESIDE && x < right + BESIDE;
      const left = x < this.left && x > this.left - BESIDE && y > this.top - BESIDE && y < bottom + BESIDE / 2;
      return below || left || this.has(x, y);
    }).map((text) => (text.parentNode.querySelector("[clip-path]") ? text : text.parentNode)); // with its lines and ground
    const grid = this.content.filter((each) => each.style.stroke.startsWith("var(--plot-grid"));
    this.written = [...texts, ...grid];
    return this.written;
  }
  draw() {
    const [u0, u1, v0, v1] = this.view;
    const [kx, ky] = [1 / (u1 - u0), 1 / (v1 - v0)];
    const tx = this.left - kx * (this.left + u0 * this.width);
    const ty = this.top + this.height - ky * (this.height + this.top - v0 * this.height);
    for (const each of this.content) {
      const uses = each.tagName === "use" ? [each] : each.querySelectorAll("use");
      for (const use of uses) {
        use.setAttribute("x", kx * use.was[0] + tx);
        use.setAttribute("y", ky * use.was[1] + ty);
      }
      if (uses.length) continue;
      each.setAttribute("transform", `matrix(${kx} 0 0 ${ky} ${tx} ${ty})`);
      for (const path of each.tagName === "path" ? [each] : each.querySelectorAll("path")) path.setAttribute("vector-effect", "non-scaling-stroke");
    }
    for (const each of this.fixed) each.style.display = this.isWhole ? "" : "none";
    this.ticks?.remove();
    if (!this.isWhole) this.drawTicks();
  }
  drawTicks() {
    const [u0, u1, v0, v1] = this.view;
    const bottom = this.top + this.height;
    this.ticks = make("g", { class: "ticks" });
    this.drawing.prepend(this.ticks);
    for (const [value, step] of ticks(this.x, u0, u1, this.width / 55)) {
      const [x] = this.place(share(this.x, value), 0);
      if (!this.x.names) make("path", { d: `M${x} ${bottom}V${this.top}` }, this.ticks);
      make("text", { x, y: bottom + 13.8, "text-anchor": "middle" }, this.ticks, said(this.x, value, step));
    }
    for (const [value, step] of ticks(this.y, v0, v1, this.height / 26)) {
      const [, y] = this.place(0, share(this.y, value));
      if (!this.y.names) make("path", { d: `M${this.left} ${y}h${this.width}` }, this.ticks);
      make("text", { x: this.left - 7, y: y + 3.4, "text-anchor": "end" }, this.ticks, said(this.y, value, step));
    }
  }
  nearest(x, y) {
    let best = null, least = Infinity;
    for (const spot of this.spots) {
      if (!this.isSeen(spot)) continue;
      const [a, b] = this.place(spot.u, spot.v);
      const far = (a - x) ** 2 + (b - y) ** 2;
      if (far < least) [best, least] = [spot, far];
    }
    return best;
  }
  // The next spot of the same mark, or that of another mark which is closest across.
  beside(spot, along) {
    const own = this.spots.filter((each) => each.of === spot.of);
    return own[clamp(own.indexOf(spot) + along, 0, own.length - 1)];
  }
  other(spot, along) {
    const all = [...new Set(this.spots.map((each) => each.of))];
    const of = all[clamp(all.indexOf(spot.of) + along, 0, all.length - 1)];
    return this.spots.filter((each) => each.of === of).reduce((a, b) => (Math.abs(b.u - spot.u) < Math.abs(a.u - spot.u) ? b : a));
  }
  words({ mark, i, x, y }) {
    const name = mark.names?.[i];
    const lines = [[mark.label, name].filter(Boolean).join(": ")];
    const along = mark.across ? this.x : this.y;
    const ends = mark.low ? `${said(along, mark.low[i])} to ${said(along, mark.high[i])}` : "";
    const one = (axis, value, spans) => `${axis.label ? `${axis.label}: ` : ""}${spans && mark.names ? ends : said(axis, value) + (spans ? ` (${ends})` : "")}`;
    lines.push(one(this.x, x, ends && mark.across), one(this.y, y, ends && !mark.across));
    return lines.filter(Boolean).join("\n");
  }
}
