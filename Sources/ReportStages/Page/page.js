"use strict";
// Draws plots when they come near the screen, again when the width or the colours change; the viewer for pictures; the tip.
(function () {
  const root = document.documentElement;
  const tip = document.getElementById("tip");
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => Object.assign(charts.theme(), { dark: isDark.matches });
  const plots = [];
  let drawn = 0;

  // MARK: The library

  const dataflow = cytoRequire("vega-dataflow");
  for (const name of ["vega-transforms", "vega-view-transforms", "vega-encode"]) Object.assign(dataflow.transforms, cytoRequire(name));
  const { parse } = cytoRequire("vega-parser");
  const { View } = cytoRequire("vega-view");

  function show(spec, element, describe) {
    const view = new View(parse(spec), { renderer: "canvas", container: element, hover: true });
    view.logLevel(1);
    view.tooltip((_, event, item, value) => (value === null || value === undefined ? hideTip() : showTip(event, describe ? describe(value) : value)));
    view.run();
    return view;
  }

  // MARK: The tip

  function number(value) {
    return typeof value !== "number" || Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  }

  function showTip(event, values) {
    tip.replaceChildren();
    for (const [name, value] of Object.entries(values)) {
      const line = document.createElement("div");
      if (name === "") {
        const strong = document.createElement("b");
        strong.textContent = value;
        line.append(strong);
      } else line.textContent = name + ": " + number(value);
      tip.append(line);
    }
    tip.classList.add("shown");
    const { width, height } = tip.getBoundingClientRect();
    const point = event.touches && event.touches[0] ? event.touches[0] : event.changedTouches ? event.changedTouches[0] : event;
    const x = Math.min(point.clientX + 14, innerWidth - width - 8);
    const y = point.clientY + 18 + height > innerHeight ? point.clientY - height - 12 : point.clientY + 18;
    tip.style.transform = `translate(${Math.max(8, x)}px, ${Math.max(8, y)}px)`;
  }

  function hideTip() { tip.classList.remove("shown"); }
  addEventListener("scroll", hideTip, { passive: true });

  // MARK: Legends

  function mark(entry) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("width", "26");
    svg.setAttribute("height", "12");
    svg.setAttribute("aria-hidden", "true");
    const add = (name, attributes) => {
      const element = document.createElementNS(ns, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      svg.append(element);
    };
    if (entry.box) add("rect", { x: 4, y: 0, width: 18, height: 12, rx: 2, fill: entry.colour });
    else {
      add("path", { d: "M0 6H26", stroke: entry.colour, "stroke-width": 2, "stroke-dasharray": entry.dash.join(" ") });
      const path = { circle: "M13 2a4 4 0 1 0 .01 0", square: "M9.5 2.5h7v7h-7z", "triangle-up": "M13 1.5l4.5 8h-9z", diamond: "M13 1l4.5 5-4.5 5-4.5-5z",
        "triangle-down": "M13 10.5l4.5-8h-9z", cross: "M11.5 1.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z", "triangle-left": "M8.5 6l8-4.5v9z", "triangle-right": "M17.5 6l-8-4.5v9z" }[entry.shape];
      if (path) add("path", { d: path, fill: entry.colour });
    }
    return svg;
  }

  function legend(entries) {
    const list = document.createElement("p");
    list.className = "legend";
    for (const entry of entries) {
      const span = document.createElement("span");
      if (entry.ramp) {
        const bar = document.createElement("i");
        bar.className = "ramp";
        bar.style.background = `linear-gradient(to right, ${entry.ramp.join(",")})`;
        span.append(number(Number(entry.low.toPrecision(3))), bar, number(Number(entry.high.toPrecision(3))) + " " + entry.name);
      } else span.append(mark(entry), entry.name);
      list.append(span);
    }
    return list;
  }

  // MARK: Plots

  function data(id) {
    const element = document.querySelector(`script[data-for="${id}"]`);
    return JSON.parse(element.textContent);
  }

  /** A plot that is drawn when it is needed: `draw(width, height)` makes its view. */
  function register(element, draw) {
    const plot = { element, draw, view: null, width: 0, isNear: false };
    plots.push(plot);
    near.observe(element);
    widths.observe(element);
  }

  function render(plot) {
    const { clientWidth: width, clientHeight: height } = plot.element;
    if (width < 40) return;
    if (plot.view) plot.view.finalize();
    if (!plot.width) drawn += 1;
    plot.width = width;
    plot.element.replaceChildren();
    plot.view = plot.draw(width, height);
    root.dataset.plots = drawn + "/" + plots.length;
  }

  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      const plot = plots.find((plot) => plot.element === entry.target);
      near.unobserve(entry.target);
      plot.isNear = true;
      render(plot);
    }
  }, { rootMargin: "800px" });

  let pause;
  const widths = new ResizeObserver(() => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      for (const plot of plots) if (plot.isNear && plot.element.clientWidth !== plot.width) render(plot);
    }, 120);
  });

  isDark.addEventListener("change", () => { for (const plot of plots) if (plot.isNear) render(plot); });

  for (const element of document.querySelectorAll(".plot[id]")) {
    const values = data(element.id);
    let list = document.querySelector(`[data-legend="${element.id}"]`);
    register(element, (width, height) => {
      if (list) { const fresh = legend(charts.legend(values, theme())); list.replaceWith(fresh); list = fresh; }
      return show(charts.kinds[values.kind](values, { width, height }, theme()), element);
    });
  }

  // MARK: Embeddings

  function button(text, label, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", label);
    button.title = label;
    button.addEventListener("click", act);
    return button;
  }

  function choice(label, options, act) {
    const wrap = document.createElement("label");
    const select = document.createElement("select");
    for (const [value, text] of options) select.add(new Option(text, value));
    select.addEventListener("change", () => act(select.value));
    wrap.append(label + " ", select);
    return { wrap, select };
  }

  for (const element of document.querySelectorAll(".scatter")) {
    const values = data(element.id);
    const state = Object.assign(scatter.start(), { colouring: values.chosen });
    const own = [];
    const bar = element.querySelector(".toolbar");
    const key = element.querySelector(".key-list");
    const apply = () => {
      for (const plot of own) {
        if (!plot.view) continue;
        for (const name of ["cx", "cy", "span", "turn", "tilt"]) plot.view.signal(name, state[name]);
        plot.view.runAsync();
      }
    };
    const again = () => { for (const plot of own) if (plot.isNear) render(plot); };
    const colouring = () => values.colourings[state.colouring];

    const groups = choice("show", [], (value) => { state.group = value === "" ? null : Number(value); again(); });
    const fill = () => {
      groups.select.replaceChildren();
      groups.select.add(new Option("all", ""));
      const current = colouring();
      groups.wrap.hidden = !current || current.kind === "number";
      if (current && current.names) current.names.forEach((name, index) => groups.select.add(new Option("only " + name, index)));
      key.replaceChildren();
      if (!current) return;
      const paint = scatter.colours(current, theme());
      if (paint.range && current.names.length <= 8) {
        key.append(legend(current.names.map((name, index) => ({ name, colour: paint.range[index], box: true }))));
      } else if (paint.of) {
        key.append(legend([{ ramp: theme().scale, low: paint.low / current.scale, high: paint.high / current.scale, name: current.unit }]));
      } else {
        const note = document.createElement("p");
        note.className = "note";
        note.textContent = current.names.length + " groups, in the order from back to front of the brain; pick one above, or point at a patch.";
        key.append(note);
      }
    };
    const colour = choice("colour", values.colourings.map((item, index) => [index, item.name]), (value) => {
      Object.assign(state, { colouring: Number(value), group: null });
      fill();
      again();
    });
    colour.select.value = state.colouring;
    const three = values.views.some((view) => view.dimensions === 3);
    const zoom = (factor) => { state.span = Math.min(18000, Math.max(60, state.span / factor)); apply(); };
    bar.append(colour.wrap, groups.wrap, button("+", "enlarge", () => zoom(1.4)), button("−", "reduce", () => zoom(1 / 1.4)));
    if (three) {
      bar.append(button("⟲", "turn left", () => { state.turn -= 0.3; apply(); }), button("⟳", "turn right", () => { state.turn += 0.3; apply(); }),
        button("⤒", "tilt up", () => { state.tilt = Math.min(1.57, state.tilt + 0.25); apply(); }), button("⤓", "tilt down", () => { state.tilt = Math.max(-1.57, state.tilt - 0.25); apply(); }));
    }
    bar.append(button("reset", "as it was", () => {
      const { cx, cy, span, turn, tilt } = scatter.start();
      Object.assign(state, { cx, cy, span, turn, tilt });
      apply();
    }));
    fill();
    isDark.addEventListener("change", fill);

    for (const target of element.querySelectorAll(".plot[data-view]")) {
      const view = values.views[Number(target.dataset.view)];
      register(target, (width, height) => show(scatter.specification(values, view, state, { width, height }, theme()), target, (index) => scatter.tip(values, index)));
      own.push(plots[plots.length - 1]);
      move(target, view, state, apply, zoom);
    }
  }

  /** Dragging moves or turns; the wheel with Ctrl, or two fingers, enlarge. One finger still scrolls the page up and down. */
  function move(target, view, state, apply, zoom) {
    const fingers = new Map();
    let frame = 0;
    const soon = () => { if (!frame) frame = requestAnimationFrame(() => { frame = 0; apply(); }); };
    target.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (event.pointerType === "mouse") target.setPointerCapture(event.pointerId);
    });
    target.addEventListener("pointermove", (event) => {
      const last = fingers.get(event.pointerId);
      if (!last) return;
      const [dx, dy] = [event.clientX - last[0], event.clientY - last[1]];
      if (fingers.size === 2) {
        const other = [...fingers.entries()].find(([id]) => id !== event.pointerId)[1];
        const before = Math.hypot(last[0] - other[0], last[1] - other[1]);
        const after = Math.hypot(event.clientX - other[0], event.clientY - other[1]);
        if (before > 0 && after > 0) zoom(after / before);
      } else if (view.dimensions === 3) {
        state.turn += dx * 0.01;
        if (event.pointerType === "mouse") state.tilt = Math.min(1.57, Math.max(-1.57, state.tilt + dy * 0.01));
      } else {
        const unit = Math.min(target.clientWidth, target.clientHeight) / state.span;
        state.cx -= dx / unit;
        state.cy += dy / unit;
      }
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      hideTip();
      soon();
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) target.addEventListener(name, (event) => fingers.delete(event.pointerId));
    target.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(Math.pow(1.0015, -event.deltaY));
    }, { passive: false });
    target.addEventListener("pointerleave", hideTip);
  }

  // MARK: Pictures

  const viewer = document.getElementById("viewer");
  const stage = viewer.querySelector(".stage");
  for (const zoomed of document.querySelectorAll("button.zoom")) {
    const image = zoomed.querySelector("img");
    if (!image) continue;
    zoomed.setAttribute("aria-label", "enlarge: " + image.alt);
    zoomed.addEventListener("click", () => {
      const large = image.cloneNode();
      // At least as large as the screen, and twice its own size for small ones: then it can be scrolled.
      const factor = Math.max(1, Math.min(4, (innerWidth * 1.5) / image.naturalWidth));
      large.width = image.naturalWidth * factor;
      large.height = image.naturalHeight * factor;
      stage.replaceChildren(large);
      viewer.showModal();
    });
  }
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });

  // A link into a folded part opens it; #all draws everything at once, for printing and for tests.
  function open() {
    if (location.hash === "#all") {
      for (const part of document.querySelectorAll("details.more")) part.open = true;
      for (const plot of plots) { plot.isNear = true; render(plot); }
      return;
    }
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  }
  addEventListener("hashchange", open);
  addEventListener("beforeprint", () => { for (const plot of plots) if (!plot.view) render(plot); });
  root.dataset.plots = "0/" + plots.length;
  open();
  root.dataset.ready = "yes";
})();
