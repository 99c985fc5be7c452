/* Says in the page when a passkey could not be used; allauth's own script only tells the console. */
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const main = document.getElementById("main");
  const notice = main.querySelector("[data-passkey-error]") ?? document.createElement("p");
  notice.className = "notice bad";
  notice.dataset.passkeyError = "";
  notice.setAttribute("role", "alert");
  notice.textContent = "The passkey was not used. Try again, or choose another way.";
  main.prepend(notice);
});
