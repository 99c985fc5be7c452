/* Django's picker of rights names icons that have no role: their words would be skipped when read. */
window.addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".help-tooltip[aria-label]")) {
    icon.setAttribute("role", "img");
  }
});
