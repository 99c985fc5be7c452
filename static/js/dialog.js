/* <button data-opens="id"> opens the <dialog> of that id; <button data-closes> closes its own.
   <dialog data-open> is open from the start: its form came back with a mistake. */
for (const dialog of document.querySelectorAll("dialog[data-open]")) dialog.showModal();
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
});
