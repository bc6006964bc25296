// Says how far the page is, until it stands.
const starting = setInterval(() => {
  if (document.querySelector(".pop-page[data-ready=yes]")) {
    clearInterval(starting);
    document.getElementById("starting").remove();
    return;
  }
  const step = [...document.querySelectorAll("[data-step]")].at(-1);
  if (step) document.getElementById("starting_step").textContent = step.dataset.step;
}, 100);
