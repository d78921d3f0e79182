// The arrows beside a column move it at once; without this script each of them asks the server for the list anew.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  const line = button?.closest("li");
  if (!line) return;
  event.preventDefault();
  const list = line.parentElement;
  const up = button.dataset.move === "up";
  const other = up ? line.previousElementSibling : line.nextElementSibling;
  // The first one is the link of the line and stays.
  if (other && other !== list.firstElementChild) {
    if (up) other.before(line);
    else other.after(line);
  }
  button.focus();
  const place = [...list.children].indexOf(line) + 1;
  const said = list.parentElement.querySelector("[data-columns-said]");
  if (said) said.textContent = `${line.querySelector("label").textContent.trim()}: place ${place} of ${list.children.length}`;
});
