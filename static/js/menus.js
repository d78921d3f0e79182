// Drop-down lists made of <details>: a click elsewhere or Escape closes them. Messages can be dismissed.
const drops = () => document.querySelectorAll("details[data-drop][open]");

document.addEventListener("click", (event) => {
  for (const drop of drops()) if (!drop.contains(event.target)) drop.open = false;
  event.target.closest("[data-dismiss-message]")?.closest(".alert")?.remove();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const drop of drops()) {
    drop.open = false;
    drop.querySelector("summary")?.focus();
  }
});

// Screen readers announce what changes in a live region, not what was there from the start.
for (const region of document.querySelectorAll("[data-messages]")) {
  const words = [...region.children];
  requestAnimationFrame(() => region.replaceChildren(...words));
}
