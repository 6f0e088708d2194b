"use strict";
/* Draws every <canvas data-fi-chart>: numbers in the page's language, colours of the theme, redrawn when the
   theme changes, and not before the canvas is visible (a chart drawn in a hidden tab has no size). */
(() => {
  const language = () => ({ en: "en-GB", it: "it-IT" })[document.documentElement.lang.slice(0, 2)] || "en-GB";
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();

  function writer(spec, short) {
    const options = { maximumFractionDigits: short ? 1 : 2 };
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

  function datasets(spec) {
    return spec.series.map((series) => {
      const colour = variable(`--fi-series-${((series.colour - 1) % 8) + 1}`);
      const line = spec.kind === "line";
      const area = line && spec.series.length === 1;
      return {
        label: series.name, data: series.values, borderColor: colour,
        backgroundColor: area ? `${colour}22` : colour, fill: area,
        borderWidth: line ? 2 : 0, pointRadius: 0, pointHoverRadius: 4, pointHitRadius: 12, tension: 0.25,
        borderRadius: line ? 0 : 4, maxBarThickness: 36, spanGaps: false,
      };
    });
  }

  function options(spec) {
    const muted = variable("--fi-muted"), grid = variable("--fi-line");
    const short = writer(spec, true), exact = writer(spec, false);
    const across = spec.kind === "bars";
    const counted = spec.unit === "number" && spec.series.every((series) => series.values.every(Number.isInteger));
    const values = {
      beginAtZero: true, stacked: spec.stacked, border: { display: false },
      grid: { color: grid, tickLength: 0 },
      ticks: { color: muted, padding: 8, maxTicksLimit: 6, callback: (value) => short(value), ...(counted && { precision: 0 }) },
    };
    const labels = {
      stacked: spec.stacked, grid: { display: false }, border: { color: grid },
      ticks: { color: muted, maxRotation: 0, autoSkip: !across, autoSkipPadding: 18 },
    };
    return {
      animation: false, responsive: true, maintainAspectRatio: false, indexAxis: across ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: across ? "y" : "x" },
      scales: across ? { x: values, y: labels } : { x: labels, y: values },
      plugins: {
        legend: { display: false },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${exact(item.parsed[across ? "x" : "y"])}` } },
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

  const watch = (root) => root.querySelectorAll("canvas[data-fi-chart]").forEach((canvas) => seen.observe(canvas));

  window.addEventListener("load", () => {
    Chart.defaults.font.family = "Inter, sans-serif";
    Chart.defaults.font.size = 12;
    watch(document);
    new MutationObserver(() => drawn.forEach((_, canvas) => draw(canvas)))
      .observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  });
  document.addEventListener("htmx:afterSettle", (event) => watch(event.target));
})();
