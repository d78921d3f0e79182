// j and k walk through the lines of a list, Enter opens the one that is marked, ? tells the keys. keys.js can switch them off.
const lines = [...document.querySelectorAll(".list-table tbody tr")].filter((line) => line.querySelector("a.row-link"));
const off = () => {
  try {
    return localStorage.getItem("keys") === "off";
  } catch {
    return false;
  }
};

function walk(step) {
  const at = lines.findIndex((line) => "at" in line.dataset);
  const next = lines[Math.min(Math.max(at + step, 0), lines.length - 1)];
  if (!next) return;
  lines[at]?.removeAttribute("data-at");
  next.dataset.at = "";
  // The focus goes along: Enter is the browser's own, and a screen reader says the line.
  next.querySelector("a.row-link").focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (off() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
  if (event.key === "j" || event.key === "k") walk(event.key === "j" ? 1 : -1);
  if (event.key === "?") document.getElementById("shortcuts")?.showModal();
});
