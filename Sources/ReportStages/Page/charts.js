"use strict";
// What each kind of plot is in Vega's terms. `charts.KIND(data, size, theme)` gives a specification.
var charts = (function () {
  const shapes = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-left", "triangle-right"];
  const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3], [1, 3], [12, 4], [4, 4], [10, 2]];

  /** The page's colours as they are now, light or dark. */
  function theme() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    return {
      ink: value("--ink"), muted: value("--muted"), line: value("--line"), paper: value("--paper"), accent: value("--accent"),
      series: [0, 1, 2, 3, 4, 5, 6, 7].map((index) => value("--series-" + index)),
      ramp: [0, 1, 2, 3, 4].map((index) => value("--ramp-" + index)), scale: [0, 1, 2, 3, 4].map((index) => value("--scale-" + index)),
    };
  }

  const colour = (theme, place) => theme.series[place % theme.series.length];

  function base(size, theme) {
    return {
      width: size.width, height: size.height, autosize: { type: "fit", contains: "padding" }, padding: 2, background: null,
      config: {
        style: { cell: { stroke: null } },
        axis: {
          labelColor: theme.muted, titleColor: theme.muted, domainColor: theme.line, tickColor: theme.line, gridColor: theme.line,
          labelFont: "system-ui, sans-serif", titleFont: "system-ui, sans-serif", labelFontSize: 12, titleFontSize: 12,
          titleFontWeight: "normal", gridOpacity: 0.7, labelPadding: 4, titlePadding: 6,
        },
      },
    };
  }

  /** Curves: {x, y, series: [{name, place, dash, points: [[x, y, sd?]]}], log, marks, domain}. */
  function lines(data, size, theme) {
    const values = [];
    data.series.forEach((series, index) => {
      for (const [x, y, sd] of series.points) {
        if (y === null) continue;
        values.push({
          s: index, x, y, low: sd == null ? y : y - sd, high: sd == null ? y : y + sd,
          tip: { [data.x]: x, [data.y]: sd == null ? y : y + " ± " + sd, "": series.name },
        });
      }
    });
    // Seeds of one model share its colour and differ by dash; models differ by colour, mark and dash.
    const places = data.series.map((series) => series.place);
    const single = new Set(places).size === 1 && data.series.length > 1;
    const range = (value) => data.series.map((series, index) => value(series, index));
    const ticks = data.log ? [...new Set(values.map((value) => value.x))].sort((a, b) => a - b) : undefined;
    const by = (scale) => ({ scale, field: "s" });
    const domain = data.series.map((_, index) => index);
    return {
      ...base(size, theme),
      data: [{ name: "points", values }],
      scales: [
        {
          name: "x", type: data.log ? "log" : "linear", range: "width", domain: { data: "points", field: "x" }, nice: false, zero: false,
          padding: data.marks ? 12 : 0,
        },
        {
          name: "y", type: "linear", range: "height", nice: true, zero: false,
          domain: data.domain || { data: "points", fields: ["low", "high"] },
        },
        { name: "colour", type: "ordinal", domain, range: range((series, index) => colour(theme, single ? series.place + index : series.place)) },
        { name: "dash", type: "ordinal", domain, range: range((series, index) => series.dash ? [5, 4] : single ? dashes[index % 8] : []) },
        { name: "shape", type: "ordinal", domain, range: range((series) => shapes[series.place % shapes.length]) },
      ],
      axes: [
        { orient: "left", scale: "y", grid: true, title: data.y, tickCount: 5, domain: false },
        { orient: "bottom", scale: "x", title: data.x, values: ticks, tickCount: Math.max(2, size.width / 90), format: data.log ? "~g" : "~s" },
      ],
      marks: [
        {
          type: "group", from: { facet: { name: "one", data: "points", groupby: "s" } },
          marks: [
            {
              type: "area", from: { data: "one" }, interactive: false,
              encode: {
                enter: {
                  x: { scale: "x", field: "x" }, y: { scale: "y", field: "low" }, y2: { scale: "y", field: "high" }, fill: by("colour"),
                  fillOpacity: { value: 0.15 },
                },
              },
            },
            {
              type: "line", from: { data: "one" }, interactive: false,
              encode: {
                enter: {
                  x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" }, stroke: by("colour"), strokeDash: by("dash"),
                  strokeWidth: { value: data.marks ? 2 : 1.5 }, strokeJoin: { value: "round" },
                },
              },
            },
            {
              type: "symbol", from: { data: "one" },
              encode: {
                enter: {
                  x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" }, fill: by("colour"), shape: by("shape"),
                  size: { value: data.marks ? 64 : 90 }, tooltip: { field: "tip" },
                },
                update: { fillOpacity: { value: data.marks ? 1 : 0 } }, hover: { fillOpacity: { value: 1 } },
              },
            },
          ],
        },
      ],
    };
  }

  /** The legend of curves, in HTML: colour, mark and dash. */
  function lineLegend(data, theme) {
    const places = data.series.map((series) => series.place);
    const single = new Set(places).size === 1 && data.series.length > 1;
    return data.series.length < 2 ? [] : data.series.map((series, index) => ({
      name: series.name, colour: colour(theme, single ? series.place + index : series.place),
      dash: series.dash ? [5, 4] : single ? dashes[index % 8] : [], shape: data.marks ? shapes[series.place % shapes.length] : null,
    }));
  }

  /** Dots with error bars: {rows, subs, x, domain, marks: [{row, sub, value, sd, n, paper, place}]}. */
  function dots(data, size, theme) {
    const values = data.marks.map((mark) => {
      const sub = data.subs.indexOf(mark.sub);
      const ours = mark.paper === undefined;
      const tip = { "": mark.row, way: mark.sub, [data.x]: mark.value + (mark.sd === null ? "" : " ± " + mark.sd) };
      if (ours) tip.runs = mark.n; else tip.paper = mark.paper;
      return {
        ...mark, ours, low: mark.value - (mark.sd || 0), high: mark.value + (mark.sd || 0), colour: colour(theme, mark.place), tip,
        shape: ours ? (mark.sub === "finetuning" ? "square" : "circle") : "diamond",
        // Two ways to train stand above each other, ours and the paper's on one line.
        shift: data.subs.length < 2 ? 0 : sub === 0 ? -9 : 9,
      };
    });
    const y = { scale: "y", field: "row", band: 0.5, offset: { field: "shift" } };
    return {
      ...base(size, theme),
      data: [{ name: "marks", values }],
      scales: [
        { name: "x", type: "linear", range: "width", domain: data.domain, nice: false },
        { name: "y", type: "band", range: "height", domain: data.rows },
      ],
      axes: [
        { orient: "bottom", scale: "x", grid: true, title: data.x, tickCount: 5, domain: false },
        { orient: "left", scale: "y", domain: false, ticks: false, labelColor: theme.ink, labelFontSize: 13, labelLimit: Math.max(90, size.width * 0.34) },
      ],
      marks: [
        {
          type: "rule", from: { data: "marks" }, interactive: false,
          encode: {
            enter: {
              x: { scale: "x", field: "low" }, x2: { scale: "x", field: "high" }, y, stroke: { field: "colour" },
              strokeWidth: { value: 2 }, strokeOpacity: { signal: "datum.ours ? 0.9 : 0.35" },
            },
          },
        },
        {
          type: "symbol", from: { data: "marks" },
          encode: {
            enter: {
              x: { scale: "x", field: "value" }, y, shape: { field: "shape" }, size: { signal: "datum.ours ? 90 : 80" },
              fill: { signal: "datum.ours ? datum.colour : '" + theme.paper + "'" }, stroke: { field: "colour" },
              strokeWidth: { value: 1.6 }, tooltip: { field: "tip" },
            },
            update: { opacity: { value: 1 } }, hover: { opacity: { value: 0.7 } },
          },
        },
      ],
    };
  }

  /** Shares that add up: {rows: [{row, parts}], parts, x}. Written into the bars where they fit. */
  function stacked(data, size, theme) {
    const values = [];
    for (const { row, parts } of data.rows) {
      let start = 0;
      parts.forEach((share, index) => {
        values.push({
          row, index, start, end: start + share, label: share < 0.06 ? "" : Math.round(100 * share) + " %",
          tip: { "": row, [data.parts[index]]: (100 * share).toFixed(1) + " %" },
        });
        start += share;
      });
    }
    const ramp = [theme.ramp[3], theme.ramp[2], theme.ramp[1]];
    return {
      ...base(size, theme),
      data: [{ name: "parts", values }],
      scales: [
        { name: "x", type: "linear", range: "width", domain: [0, 1] },
        { name: "y", type: "band", range: "height", domain: data.rows.map((row) => row.row), paddingInner: 0.3, paddingOuter: 0.1 },
        { name: "fill", type: "ordinal", domain: [0, 1, 2], range: ramp },
        { name: "ink", type: "ordinal", domain: [0, 1, 2], range: ["#fff", "#fff", "#1b1623"] },
      ],
      axes: [
        { orient: "bottom", scale: "x", title: data.x, format: "%", tickCount: 5, domain: false },
        { orient: "left", scale: "y", domain: false, ticks: false, labelColor: theme.ink, labelFontSize: 13 },
      ],
      marks: [
        {
          type: "rect", from: { data: "parts" },
          encode: {
            enter: {
              x: { scale: "x", field: "start" }, x2: { scale: "x", field: "end" }, y: { scale: "y", field: "row" },
              height: { scale: "y", band: 1 }, fill: { scale: "fill", field: "index" }, stroke: { value: theme.paper }, tooltip: { field: "tip" },
            },
          },
        },
        {
          type: "text", from: { data: "parts" }, interactive: false,
          encode: {
            enter: {
              x: { scale: "x", signal: "(datum.start + datum.end) / 2" }, y: { scale: "y", field: "row", band: 0.5 }, align: { value: "center" },
              baseline: { value: "middle" }, text: { field: "label" }, fill: { scale: "ink", field: "index" }, fontSize: { value: 12 },
              font: { value: "system-ui, sans-serif" },
            },
          },
        },
      ],
    };
  }

  const stackedLegend = (data, theme) => data.parts.map((name, index) => ({ name, colour: [theme.ramp[3], theme.ramp[2], theme.ramp[1]][index], box: true }));

  /** Boxes of quantiles 5, 25, 50, 75, 95 %: {rows: [{row, n, quantiles}], x}. */
  function boxes(data, size, theme) {
    const values = data.rows.map(({ row, n, quantiles: [a, b, c, d, e] }) => ({
      row, a, b, c, d, e, tip: { "": row, n, median: c, quartiles: b + " – " + d, "5 – 95 %": a + " – " + e },
    }));
    const y = { scale: "y", field: "row", band: 0.5 };
    return {
      ...base(size, theme),
      data: [{ name: "boxes", values }],
      scales: [
        { name: "x", type: "linear", range: "width", domain: { data: "boxes", fields: ["a", "e"] }, zero: true, nice: true },
        { name: "y", type: "band", range: "height", domain: data.rows.map((row) => row.row), paddingInner: 0.45, paddingOuter: 0.2 },
      ],
      axes: [
        { orient: "bottom", scale: "x", grid: true, title: data.x, tickCount: 6, domain: false },
        { orient: "left", scale: "y", domain: false, ticks: false, labelColor: theme.ink, labelFontSize: 13 },
      ],
      marks: [
        { type: "rule", from: { data: "boxes" }, interactive: false, encode: { enter: { x: { scale: "x", field: "a" }, x2: { scale: "x", field: "e" }, y, stroke: { value: theme.muted } } } },
        {
          type: "rect", from: { data: "boxes" },
          encode: {
            enter: {
              x: { scale: "x", field: "b" }, x2: { scale: "x", field: "d" }, y: { scale: "y", field: "row" }, height: { scale: "y", band: 1 },
              fill: { value: theme.accent }, fillOpacity: { value: 0.55 }, stroke: { value: theme.accent }, cornerRadius: { value: 2 }, tooltip: { field: "tip" },
            },
          },
        },
        {
          type: "rect", from: { data: "boxes" }, interactive: false,
          encode: { enter: { x: { scale: "x", field: "c", offset: -1.5 }, width: { value: 3 }, y: { scale: "y", field: "row" }, height: { scale: "y", band: 1 }, fill: { value: theme.ink } } },
        },
      ],
    };
  }

  /** A matrix: {names, columns?, values, domain, compact, title}. */
  function heat(data, size, theme) {
    const columns = data.columns || data.names;
    const count = columns.length;
    const values = [];
    data.values.forEach((value, index) => {
      if (value === null) return;
      const [r, c] = [Math.floor(index / count), index % count];
      values.push({ r, c, value, tip: { "": data.names[r] + " – " + columns[c], [data.title]: value } });
    });
    const rows = data.names.map((_, index) => index);
    const all = columns.map((_, index) => index);
    const side = data.compact || data.columns ? size : { width: Math.min(size.width, size.height + 60), height: size.height };
    const label = (names) => ({ labels: { update: { text: { signal: JSON.stringify(names) + "[datum.value]" } } } });
    const axis = { domain: false, ticks: false, labelFontSize: count > 24 ? 9 : 11, labelOverlap: true, labelPadding: 3 };
    return {
      ...base(side, theme),
      data: [{ name: "cells", values }],
      scales: [
        { name: "x", type: "band", range: "width", domain: all },
        { name: "y", type: "band", range: "height", domain: rows },
        { name: "fill", type: "linear", domain: ramp(data.domain), range: theme.ramp, interpolate: "lab", clamp: true },
      ],
      axes: data.compact ? [] : [
        { orient: "left", scale: "y", encode: label(data.names), labelLimit: size.width * 0.3, ...axis },
        { orient: "bottom", scale: "x", encode: label(columns), labelAngle: -90, labelAlign: "right", labelBaseline: "middle", labelLimit: 110, ...axis },
      ],
      marks: [
        {
          type: "rect", from: { data: "cells" },
          encode: {
            enter: {
              x: { scale: "x", field: "c" }, y: { scale: "y", field: "r" }, width: { scale: "x", band: 1, offset: 0.4 }, height: { scale: "y", band: 1, offset: 0.4 },
              fill: { scale: "fill", field: "value" }, tooltip: { field: "tip" },
            },
          },
        },
      ],
    };
  }

  const ramp = ([low, high]) => [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low));
  const heatLegend = (data, theme) => data.compact ? [] : [{ ramp: theme.ramp, low: data.domain[0], high: data.domain[1], name: data.title }];

  const legends = { lines: lineLegend, stacked: stackedLegend, heat: heatLegend };
  return { theme, colour, base, shapes, kinds: { lines, dots, stacked, boxes, heat }, legend: (data, theme) => (data.legend !== false && legends[data.kind] ? legends[data.kind](data, theme) : []) };
})();
