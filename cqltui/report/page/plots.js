// Figures that show values and zoom, by pointer, by keyboard and by buttons.
const KEYS = "Arrow keys read values, page up and down change the panel, plus and minus zoom, shift and arrow keys move, 0 resets.";
const HINT = "Drag over a part to enlarge it; click and turn the wheel; arrow keys read values.";
class Plot {
  constructor(figure, told) {
    this.figure = figure;
    this.canvas = figure.querySelector(".canvas");
    this.drawing = figure.querySelector("svg.plot");
    this.panels = told.map((panel) => new Panel(panel, this.drawing)).filter((panel) => panel.spots.length);
    if (!this.panels.length) return;
    this.panel = this.panels[0];
    figure.classList.add("live");
    this.ring = make("circle", { class: "ring", r: 3.5, visibility: "hidden" }, this.drawing);
    this.frame = make("rect", { class: "frame", visibility: "hidden" }, this.drawing);
    this.value = this.add("div", "value", this.canvas);
    this.value.hidden = true;
    this.heard = this.add("div", "heard", figure);
    this.heard.setAttribute("aria-live", "polite");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", `${figure.dataset.label}, values. ${KEYS}`);
    const tools = this.add("div", "tools");
    figure.querySelector(".scroll").after(tools);
    for (const [text, act] of [["Zoom in", () => this.zoom(0.5)], ["Zoom out", () => this.zoom(2)], ["Reset", () => this.reset()]]) {
      const button = this.add("button", "", tools);
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", act);
      if (text !== "Zoom in") (this.undo ??= []).push(button);
    }
    this.add("span", "hint", tools).textContent = HINT;
    this.listen();
    this.changed();
  }
  add(name, kind, parent) {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    parent?.append(made);
    return made;
  }
  listen() {
    const on = (kind, act, options) => this.canvas.addEventListener(kind, act, options);
    on("pointermove", (event) => this.moved(event));
    on("pointerdown", (event) => this.began(event));
    on("pointerup", (event) => this.ended(event));
    on("pointercancel", () => this.drop());
    on("pointerleave", () => { if (!this.from) this.hide(); });
    on("dblclick", () => this.reset());
    on("blur", () => this.hide());
    on("keydown", (event) => this.pressed(event));
    // A wheel that turns while one reads on scrolls the page; it zooms where one has begun to look closer.
    on("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== this.canvas) return;
      const [x, y] = this.where(event);
      const panel = this.over(x, y);
      if (!panel) return;
      event.preventDefault();
      panel.zoom(2 ** clamp(event.deltaY / 200, -1, 1), ...panel.at(x, y));
      this.changed(panel);
      this.look(panel, panel.nearest(x, y));
    }, { passive: false });
  }
  where(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.drawing.getScreenCTM().inverse());
    return [at.x, at.y];
  }
  over(x, y) { return this.panels.find((panel) => panel.has(x, y, 4)); }
  began(event) {
    if (event.button || event.pointerType === "touch") return;
    const at = this.where(event);
    const panel = this.over(...at);
    if (panel) this.from = { at, panel, moves: event.shiftKey, last: at };
  }
  moved(event) {
    const [x, y] = this.where(event);
    if (!this.from) {
      const panel = this.over(x, y);
      if (panel) this.look(panel, panel.nearest(x, y));
      else this.hide();
      return;
    }
    const { at, panel, moves, last } = this.from;
    this.canvas.setPointerCapture(event.pointerId);
    if (moves) {
      panel.move((last[0] - x) / panel.width, (y - last[1]) / panel.height);
      this.from.last = [x, y];
      this.changed(panel);
      return;
    }
    const [a, b] = [clamp(x, panel.left, panel.left + panel.width), clamp(y, panel.top, panel.top + panel.height)];
    const box = { x: Math.min(a, at[0]), y: Math.min(b, at[1]), width: Math.abs(a - at[0]), height: Math.abs(b - at[1]) };
    for (const [key, size] of Object.entries(box)) this.frame.setAttribute(key, size);
    this.frame.setAttribute("visibility", "visible");
    this.from.box = box;
  }
  ended(event) {
    const from = this.from;
    this.drop();
    if (!from) {
      this.moved(event); // a finger's
      return;
    }
    const { panel, box } = from;
    if (!box || box.width < 4 || box.height < 4) return;
    const [u0, v0] = panel.at(box.x, box.y + box.height);
    const [u1, v1] = panel.at(box.x + box.width, box.y);
    panel.show([u0, u1, v0, v1]);
    this.changed(panel);
  }
  drop() {
    this.from = null;
    this.frame.setAttribute("visibility", "hidden");
  }
  zoom(factor) {
    const [u0, u1, v0, v1] = this.panel.view;
    const spot = this.spot && this.spot.panel === this.panel && this.panel.isSeen(this.spot.of) ? this.spot.of : null;
    this.panel.zoom(factor, spot ? spot.u : (u0 + u1) / 2, spot ? spot.v : (v0 + v1) / 2);
    this.changed(this.panel);
    if (spot) this.look(this.panel, spot);
  }
  reset() {
    for (const panel of this.panels) if (!panel.isWhole) panel.show([0, 1, 0, 1]);
    this.changed();
  }
  changed(panel) {
    if (panel) this.panel = panel;
    this.hide(true);
    const whole = this.panels.every((each) => each.isWhole);
    for (const button of this.undo) button.disabled = whole;
  }
  look(panel, spot, aloud = false) {
    if (!spot) { this.hide(); return; }
    this.panel = panel;
    this.spot = { panel, of: spot };
    const [x, y] = panel.place(spot.u, spot.v);
    const words = panel.words(spot);
    this.ring.setAttribute("cx", x);
    this.ring.setAttribute("cy", y);
    this.ring.setAttribute("visibility", panel.has(x, y, 1) ? "visible" : "hidden");
    this.value.textContent = words;
    this.value.hidden = false;
    if (aloud) this.heard.textContent = words;
    const at = new DOMPoint(x, y).matrixTransform(this.drawing.getScreenCTM());
    const box = this.canvas.getBoundingClientRect();
    const [px, py] = [at.x - box.left, at.y - box.top];
    const [w, h] = [this.value.offsetWidth, this.value.offsetHeight];
    this.value.style.left = `${clamp(px + 12 + w > box.width ? px - 12 - w : px + 12, 0, Math.max(0, box.width - w))}px`;
    this.value.style.top = `${clamp(py - h - 8 < 0 ? py + 12 : py - h - 8, 0, Math.max(0, box.height - h))}px`;
  }
  hide(keep = false) {
    if (!keep) this.spot = this.spot && document.activeElement === this.canvas ? this.spot : null;
    this.value.hidden = true;
    this.ring.setAttribute("visibility", "hidden");
  }
  pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const panel = this.panel;
    const spot = this.spot && this.spot.panel === panel ? this.spot.of : null;
    if (steps && event.shiftKey) {
      panel.move(steps[0] / 4, steps[1] / 4);
      this.changed(panel);
    } else if (steps) {
      const next = !spot ? panel.spots.find((each) => panel.isSeen(each)) ?? panel.spots[0] : steps[0] ? panel.beside(spot, steps[0]) : panel.other(spot, -steps[1]);
      this.look(panel, next, true);
    } else if (event.key === "PageUp" || event.key === "PageDown") {
      const next = this.panels[clamp(this.panels.indexOf(panel) + (event.key === "PageUp" ? -1 : 1), 0, this.panels.length - 1)];
      this.look(next, next.spots[0], true);
    } else if (event.key === "Home" || event.key === "End") {
      if (spot) this.look(panel, panel.beside(spot, event.key === "Home" ? -1e9 : 1e9), true);
    } else if (event.key === "+" || event.key === "=") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else if (event.key === "0") this.reset();
    else if (event.key === "Escape") this.hide();
    else return;
    event.preventDefault();
  }
}

for (const spots of document.querySelectorAll(".chart .spots")) new Plot(spots.closest("figure"), JSON.parse(spots.textContent));
