document.querySelectorAll("script.chart-data").forEach(function (holder) {
  var figure = JSON.parse(holder.textContent);
  Plotly.newPlot(holder.dataset.for, figure.data, figure.layout, { responsive: true, displaylogo: false });
});
