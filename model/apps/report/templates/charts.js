var dark = window.matchMedia("(prefers-color-scheme: dark)");
var LIGHTER = { "#C4520A": "#FF9A57", "#0B66A8": "#62B5F5", "#1B7F4D": "#4FC98D", "#7A4FA3": "#B996E0", "#5A5A5A": "#A9AFB8",
  "#9A7B00": "#D9B83A", "#B03060": "#EE7FA6", "#2F7F8F": "#6CC3D2", "#E6E6E6": "#343A44", "#222222": "#E4E7EB", "#F4F4F4": "#262B33" };
function drawn(holder) {
  var text = holder.textContent;
  if (dark.matches) for (var plain in LIGHTER) text = text.split(plain).join(LIGHTER[plain]);
  var figure = JSON.parse(text), layout = figure.layout, narrow = window.innerWidth < 600;
  var template = layout.template && layout.template.layout || {};
  layout.paper_bgcolor = layout.plot_bgcolor = template.paper_bgcolor = template.plot_bgcolor = "rgba(0,0,0,0)";
  var titled = (layout.title && layout.title.text || "").split("<br>").length;
  layout.modebar = { bgcolor: "rgba(0,0,0,0)" };
  delete layout.width; delete layout.title; layout.autosize = true;
  layout.margin = Object.assign({}, layout.margin, { t: Math.max(36, (layout.margin && layout.margin.t || 60) - 24 * titled) });
  if (narrow) { layout.font = Object.assign({}, layout.font, { size: 10 }); layout.margin.l = 10; layout.margin.r = 8; }
  if (narrow && figure.data.length > 2 && layout.showlegend !== false) {
    layout.height = (layout.height || 430) + 60;
    layout.legend = { orientation: "h", y: -70 / (layout.height - 150), yanchor: "top", x: 0 };
  }
  document.getElementById(holder.dataset.for).style.height = (layout.height || 430) + "px";
  Plotly.newPlot(holder.dataset.for, figure.data, layout, { responsive: true, displaylogo: false, displayModeBar: narrow ? false : "hover" });
}
function all() { document.querySelectorAll("script.chart-data").forEach(drawn); }
all();
document.querySelectorAll("details").forEach(function (part) {
  part.addEventListener("toggle", function () { part.querySelectorAll(".chart").forEach(function (chart) { Plotly.Plots.resize(chart); }); });
});
dark.addEventListener("change", all);
