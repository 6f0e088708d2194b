"use strict";
/* Draws every <canvas data-fi-chart>: numbers in the page's language, colours of the theme, redrawn when the
   theme changes, and not before the canvas is visible (a chart drawn in a hidden tab has no size). */
(() => {
  const language = () => ({ en: "en-GB", it: "it-IT" })[document.documentElement.lang.slice(0, 2)] || "en-GB";
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();

  /* The highest value of the chart, in the unit it is written in. */
  function highest(spec) {
    const values = spec.series.flatMap((series) => [...series.values, ...(series.high || [])]).filter(Number.isFinite);
    return Math.max(0, ...values.map(Math.abs)) / (spec.unit === "money" ? spec.minor : 1);
  }

  function writer(spec, short) {
    const cents = spec.unit === "money" && highest(spec) < 5;
    const options = { maximumFractionDigits: short && !cents ? 1 : 2 };
    if (short) options.notation = "compact";
    if (spec.unit === "money") {
      Object.assign(options, { style: "currency", currency: spec.currency });
      if (short) Object.assign(options, { minimumFractionDigits: 0 });
      const format = new Intl.NumberFormat(language(), options);
      return (value) => format.format(value / spec.minor);
    }
    if (spec.unit === "percent") Object.assign(options, { style: "percent", notation: "standard" });
    const format = new Intl.NumberFormat(language(), options);
    return (value) => format.format(value);
  }

  /* A line across the chart: what the values should reach. */
  function target(spec) {
    if (spec.target === null || spec.target === undefined) return [];
    const muted = variable("--fi-muted");
    return [{
      type: "line", label: spec.targetLabel, data: spec.labels.map(() => spec.target), borderColor: muted,
      backgroundColor: muted, borderWidth: 1.5, borderDash: [6, 4], pointRadius: 0, pointHoverRadius: 0, fill: false, stack: "target",
    }];
  }

  /* A point with whiskers for each label: the whisker is a thin bar from low to high. */
  function intervals(spec) {
    return spec.series.flatMap((series) => {
      const colour = series.shade || variable(`--fi-series-${((series.colour - 1) % 8) + 1}`);
      const ends = series.values.map((_, index) => [series.low?.[index] ?? null, series.high?.[index] ?? null]);
      return [
        { type: "line", label: series.name, data: series.values, showLine: false, borderColor: colour,
          backgroundColor: colour, pointRadius: 5, pointHoverRadius: 6, ends },
        { type: "bar", label: series.name, data: ends.map((pair) => (pair.includes(null) ? null : pair)),
          backgroundColor: `${colour}88`, barThickness: 4, borderRadius: 2, borderSkipped: false, whisker: true },
      ];
    });
  }

  /* A point without neighbours has no line to be seen by. */
  const alone = (values, index) => (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;

  /* A name that would push the bars off a narrow chart goes on in a second line. */
  function folded(name, width) {
    const most = Math.max(8, Math.floor(width / 18));
    if (name.length <= most) return name;
    const lines = [];
    for (const word of name.split(/(?<=[\s/])/)) {
      const last = lines.length - 1;
      if (last >= 0 && (lines[last] + word).trim().length <= most) lines[last] += word;
      else lines.push(word);
    }
    return lines.slice(0, 2).map((line, place) => {
      const text = line.trim(), cut = place === 1 && lines.length > 2;
      return cut || text.length > most ? `${text.slice(0, most - 1)}…` : text;
    });
  }

  function datasets(spec) {
    if (spec.kind === "interval") return intervals(spec);
    const lines = spec.series.map((series) => {
      const colour = series.shade || variable(`--fi-series-${((series.colour - 1) % 8) + 1}`);
      const line = spec.kind === "line";
      const area = line && spec.series.filter((each) => !each.dashed).length === 1;
      return {
        label: series.name, data: series.values, borderColor: colour,
        backgroundColor: area ? `${colour}22` : colour, fill: area,
        borderWidth: line ? 2 : 0, pointRadius: (point) => (line && alone(series.values, point.dataIndex) ? 3 : 0), pointHoverRadius: 4, pointHitRadius: 12, tension: 0.25, stepped: series.stepped ? "before" : false,
        borderRadius: line ? 0 : 4, maxBarThickness: 36, spanGaps: false,
        ...(series.dashed && { borderDash: [5, 4], fill: false, borderWidth: line ? 1.5 : 0, backgroundColor: line ? colour : `${colour}66` }),
      };
    });
    return [...lines, ...target(spec)];
  }

  function told(item, across, exact) {
    const axis = across ? "x" : "y";
    const ends = item.dataset.ends?.[item.dataIndex];
    const text = `${item.dataset.label}: ${exact(item.parsed[axis])}`;
    return ends && !ends.includes(null) ? `${text} (${exact(ends[0])} – ${exact(ends[1])})` : text;
  }

  function options(spec) {
    const muted = variable("--fi-muted"), grid = variable("--fi-line");
    const short = writer(spec, true), exact = writer(spec, false);
    const across = spec.kind === "bars" || spec.kind === "interval";
    const counted = spec.unit === "number" && spec.series.every((series) => series.values.every(Number.isInteger));
    const values = {
      beginAtZero: spec.kind !== "interval", stacked: spec.stacked, border: { display: false },
      grid: { color: grid, tickLength: 0 },
      ticks: { color: muted, padding: 8, maxTicksLimit: 6, callback: (value) => short(value), ...(counted && { precision: 0 }) },
    };
    const labels = {
      stacked: spec.stacked, grid: { display: false }, border: { color: grid },
      ticks: { color: muted, maxRotation: 0, autoSkip: !across, autoSkipPadding: 18,
        ...(across && { font: { lineHeight: 1 }, callback(value) { return folded(this.getLabelForValue(value), this.chart.width); } }) },
      title: { display: Boolean(spec.axis) && !spec.small && !across, text: spec.axis, color: muted },
    };
    return {
      animation: false, responsive: true, maintainAspectRatio: false, indexAxis: across ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: across ? "y" : "x" },
      scales: across ? { x: values, y: labels } : { x: labels, y: values },
      plugins: {
        legend: { display: false },
        tooltip: {
          filter: (item) => !item.dataset.whisker,
          callbacks: { label: (item) => told(item, across, exact) },
        },
      },
    };
  }

  function draw(canvas) {
    drawn.get(canvas)?.destroy();
    const spec = JSON.parse(canvas.dataset.fiChart);
    const type = spec.kind === "line" ? "line" : "bar";
    drawn.set(canvas, new Chart(canvas.getContext("2d"), { type, data: { labels: spec.labels, datasets: datasets(spec) }, options: options(spec) }));
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "200px" });

  // Paper and pictures of a whole page show what nobody scrolled to.
  const drawAll = () => document.querySelectorAll("canvas[data-fi-chart]").forEach((canvas) => {
    if (drawn.has(canvas) || !canvas.checkVisibility()) return;
    seen.unobserve(canvas);
    draw(canvas);
  });
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 300));

  const watch = (root) => root.querySelectorAll("canvas[data-fi-chart]").forEach((canvas) => seen.observe(canvas));

  window.addEventListener("load", () => {
    Chart.defaults.font.family = "Inter, sans-serif";
    Chart.defaults.font.size = 12;
    watch(document);
    idle(drawAll);
    window.addEventListener("beforeprint", drawAll);
    new MutationObserver(() => drawn.forEach((_, canvas) => draw(canvas)))
      .observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  });
  document.addEventListener("htmx:afterSettle", (event) => watch(event.target));
})();
