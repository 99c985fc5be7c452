/* <button data-opens="id"> opens the <dialog> of that id; <button data-closes> closes its own.
   A dialog that many rows share: the button names where its form goes and what it is about.
   <dialog data-open> is open from the start: its form came back with a mistake. */
function aim(dialog, { action, name, value }) {
  if (action) dialog.querySelector("form").action = action;
  for (const input of dialog.querySelectorAll("[data-takes-value]")) input.value = value;
  for (const place of dialog.querySelectorAll("[data-shows-name]")) place.textContent = name;
}

for (const dialog of document.querySelectorAll("dialog[data-open]")) dialog.showModal();
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  if (dialog) {
    aim(dialog, opener.dataset);
    dialog.showModal();
  }
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
});
