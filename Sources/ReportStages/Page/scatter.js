"use strict";
// Embeddings: many points on a canvas, coloured by what the reader chooses, to be moved, enlarged and (in three dimensions) turned.
var scatter = (function () {
  const most3 = 6000;

  /** Colours of a colouring's values, and how it is explained. */
  function colours(colouring, theme) {
    const scale = cytoRequire("vega-scale");
    if (colouring.kind === "number") {
      const known = colouring.values.filter((value) => value > -2147483648);
      let [low, high] = [Infinity, -Infinity];
      for (const value of known) { low = Math.min(low, value); high = Math.max(high, value); }
      return { low, high, of: (value) => (value === -2147483648 ? null : (value - low) / Math.max(high - low, 1)) };
    }
    const count = colouring.names.length;
    if (colouring.kind === "ordered" || count > theme.series.length) {
      // Hues along the order, light and dark in turn, so that neighbours can be told apart.
      const hue = (index) => `hsl(${Math.round((330 * index) / Math.max(count, 1))}, 70%, ${theme.dark ? [62, 48][index % 2] : [42, 56][index % 2]}%)`;
      return { range: colouring.names.map((_, index) => hue(index)) };
    }
    return { range: colouring.names.map((_, index) => charts.colour(theme, index)) };
  }

  function words(value, colouring) {
    if (colouring.kind === "number") return value === -2147483648 ? "unknown" : (value / colouring.scale).toFixed(0) + " " + colouring.unit;
    return colouring.names[value] === undefined ? "none" : colouring.names[value];
  }

  function tip(data, index) {
    const tip = {};
    for (const colouring of data.colourings) tip[colouring.name.replace(/ \(.*\)/, "")] = words(colouring.values[index], colouring);
    return tip;
  }

  function specification(data, view, state, size, theme) {
    const colouring = data.colourings[state.colouring];
    const paint = colouring ? colours(colouring, theme) : { range: [theme.accent] };
    const three = view.dimensions === 3;
    const step = three ? Math.max(1, Math.ceil(data.count / most3)) : 1;
    const values = [];
    for (let index = 0; index < data.count; index += step) {
      const value = colouring ? colouring.values[index] : 0;
      const picked = state.group === null || value === state.group;
      const at = index * view.dimensions;
      values.push({
        i: index, x: view.values[at], y: view.values[at + 1], z: three ? view.values[at + 2] : 0,
        v: paint.of ? paint.of(value) : value, picked,
      });
    }
    // What is picked is drawn last.
    if (state.group !== null) values.sort((a, b) => a.picked - b.picked);
    const fill = paint.of
      ? { signal: "datum.v === null ? '" + theme.line + "' : scale('ramp', datum.v)" }
      : { signal: "datum.v < 0 ? '" + theme.line + "' : scale('group', datum.v)" };
    const spec = {
      ...charts.base(size, theme), autosize: "none", padding: 0,
      signals: [
        { name: "cx", value: state.cx }, { name: "cy", value: state.cy }, { name: "span", value: state.span },
        { name: "turn", value: state.turn }, { name: "tilt", value: state.tilt },
        { name: "st", update: "sin(turn)" }, { name: "ct", update: "cos(turn)" }, { name: "sv", update: "sin(tilt)" }, { name: "cv", update: "cos(tilt)" },
        { name: "unit", update: "min(width, height) / span" },
      ],
      data: [{ name: "points", values }],
      scales: [
        { name: "ramp", type: "linear", domain: [0, 0.25, 0.5, 0.75, 1], range: theme.scale, interpolate: "lab" },
        { name: "group", type: "ordinal", domain: (paint.range || []).map((_, index) => index), range: paint.range || [] },
      ],
      marks: [
        {
          type: "symbol", from: { data: "points" }, clip: true,
          encode: {
            enter: { fill, strokeWidth: { value: 0 }, tooltip: { signal: "datum.i" } },
            update: {
              x: { signal: three ? "width / 2 + (datum.x * ct - datum.y * st) * unit" : "width / 2 + (datum.x - cx) * unit" },
              y: { signal: three ? "height / 2 - (datum.z * cv + (datum.x * st + datum.y * ct) * sv) * unit" : "height / 2 - (datum.y - cy) * unit" },
              size: { signal: (data.count > 6000 ? "7" : "12") + " * min(4, pow(4200 / span, 0.8)) * (datum.picked ? 1 : 0.6)" },
              fillOpacity: { signal: "datum.picked ? 0.75 : 0.06" },
            },
            hover: { size: { value: 90 }, fillOpacity: { value: 1 } },
          },
        },
      ],
    };
    return spec;
  }

  const start = () => ({ colouring: 0, group: null, cx: 0, cy: 0, span: 4400, turn: 0.6, tilt: 0.35 });
  return { specification, colours, words, tip, start };
})();
