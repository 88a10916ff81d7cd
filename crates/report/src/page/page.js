// Shows the values of a chart where somebody points at it, or walks through it with the arrow keys. They are read from the
// chart's own table; charts over the same time show the same moment.
const charts = [...document.querySelectorAll(".chart")].map((figure) => {
  const [plot, cursor, tip] = [".plot", ".cursor", ".tip"].map((part) => figure.querySelector(part));
  const rows = [...figure.querySelectorAll("tr[data-x]")];
  const heads = [...figure.querySelectorAll("thead th")].slice(1);
  return { figure, plot, cursor, tip, rows, heads, at: -1, xs: rows.map((row) => Number(row.dataset.x)) };
});
const nearest = (xs, x) => xs.reduce((best, value, index) => Math.abs(value - x) < Math.abs(xs[best] - x) ? index : best, 0);
const hide = () => charts.forEach(({ cursor, tip }) => { cursor.hidden = tip.hidden = true; });
const mark = (chart, index) => {
  chart.at = index;
  chart.cursor.style.left = `${chart.xs[index] * 100}%`;
  chart.cursor.hidden = false;
};
const show = (chart, index) => {
  hide();
  mark(chart, index);
  const { figure, plot, tip, rows, heads, xs } = chart, unit = figure.dataset.unit, cells = rows[index].cells;
  const title = document.createElement("b");
  title.textContent = cells[0].textContent;
  tip.replaceChildren(title, ...heads.map((head, series) => {
    const line = document.createElement("span"), value = document.createElement("i"), text = cells[series + 1].textContent;
    line.className = head.className;
    value.textContent = text === "–" ? text : `${text} ${unit}`;
    line.append(head.textContent, value);
    return line;
  }));
  tip.hidden = false;
  const [left, room] = [xs[index] * plot.clientWidth, plot.clientWidth];
  const right = left + 12 + tip.offsetWidth <= room;
  tip.style.left = `${Math.max(right ? left + 12 : left - 12 - tip.offsetWidth, Math.min(0, room - tip.offsetWidth))}px`;
  plot.setAttribute("aria-valuenow", index);
  plot.setAttribute("aria-valuetext", [...tip.children].map((part) => part.textContent).join(", "));
  if (figure.dataset.axis) {
    charts.filter((other) => other !== chart && other.figure.dataset.axis && other.xs.length)
      .forEach((other) => mark(other, nearest(other.xs, xs[index])));
  }
};
// Its place was that of another width, and may lie outside of this one.
window.addEventListener("resize", hide);
for (const chart of charts.filter(({ xs }) => xs.length)) {
  const { plot, xs } = chart, last = xs.length - 1;
  plot.setAttribute("role", "slider");
  plot.setAttribute("aria-valuemin", 0);
  plot.setAttribute("aria-valuemax", last);
  plot.setAttribute("aria-valuenow", 0);
  const point = (event) => {
    const box = plot.getBoundingClientRect();
    show(chart, nearest(xs, (event.clientX - box.left) / box.width));
  };
  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: chart.at - 1, ArrowRight: chart.at + 1, Home: 0, End: last, PageUp: chart.at - 10, PageDown: chart.at + 10 };
    if (event.key === "Escape") hide();
    if (!(event.key in steps)) return;
    event.preventDefault();
    show(chart, Math.min(Math.max(steps[event.key], 0), last));
  });
}
