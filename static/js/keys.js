// Keys for people who live in here: / searches, g then a letter goes (data-keys="g c"). They can be switched off.
const off = () => {
  try {
    return localStorage.getItem("keys") === "off";
  } catch {
    return false;
  }
};
let before = "";
let forget;

for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = !off();
  box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
}

document.addEventListener("keydown", (event) => {
  if (off() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
  if (event.key === "/") {
    const field = document.querySelector("[data-search]") ?? document.querySelector("[data-list-search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
    return;
  }
  const link = document.querySelector(`[data-keys="${CSS.escape(before)} ${CSS.escape(event.key)}"]`);
  if (before && link) link.click();
  before = event.key;
  clearTimeout(forget);
  forget = setTimeout(() => (before = ""), 900);
});
