// The palette: Ctrl-K (or Cmd-K, or its button) asks for anything; arrows choose, Enter opens, Escape closes.
const palette = document.getElementById("palette");
const field = palette?.querySelector("input");
const list = palette?.querySelector("[role=listbox]");
const note = palette?.querySelector("[data-palette-note]");
let asking;
let waiting;

function open() {
  if (palette.open || document.querySelector("dialog[open]")) return;
  palette.showModal();
  field.select();
  ask();
}

// Every word comes from the server as text and is put in as text.
function element(tag, className, words) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = words;
  return made;
}

function option(hit, number) {
  const made = element("div", "palette-hit", "");
  made.id = `palette-hit-${number}`;
  made.setAttribute("role", "option");
  made.setAttribute("aria-selected", "false");
  made.dataset.url = hit.url;
  made.append(element("span", "", hit.title));
  if (hit.detail) made.append(element("span", "hit-detail", hit.detail));
  return made;
}

function show(answer) {
  let number = 0;
  const groups = answer.groups.filter((group) => group.hits.length).map((group, index) => {
    const box = element("div", "", "");
    const label = element("div", "palette-group", group.label);
    label.id = `palette-group-${index}`;
    box.setAttribute("role", "group");
    box.setAttribute("aria-labelledby", label.id);
    box.append(label, ...group.hits.map((hit) => option(hit, number++)));
    return box;
  });
  list.replaceChildren(...groups);
  const notes = answer.groups.map((group) => group.note && `${group.label}: ${group.note}`).filter(Boolean);
  note.textContent = answer.error ?? (notes.join(" ") || `${number} ${number === 1 ? "line" : "lines"} to choose from.`);
  choose(0);
}

const options = () => [...list.querySelectorAll("[role=option]")];
const chosen = () => options().findIndex((one) => one.getAttribute("aria-selected") === "true");

function choose(index) {
  const all = options();
  field.removeAttribute("aria-activedescendant");
  all.forEach((one, place) => one.setAttribute("aria-selected", String(place === index)));
  if (!all[index]) return;
  field.setAttribute("aria-activedescendant", all[index].id);
  all[index].scrollIntoView({ block: "nearest" });
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const typed = field.value;
  try {
    const answer = await fetch(`${palette.dataset.url}?q=${encodeURIComponent(typed)}`, {
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      signal: asking.signal,
    });
    if (answer.redirected) {
      location.reload();
      return;
    }
    const told = await answer.json();
    if (typed === field.value) show(told);
  } catch (error) {
    if (error.name === "AbortError") return;
    note.textContent = "No answer. Press a key to try again.";
  }
}

function moved(event) {
  const last = options().length - 1;
  const steps = { ArrowDown: chosen() >= last ? 0 : chosen() + 1, ArrowUp: chosen() <= 0 ? last : chosen() - 1 };
  if (!(event.key in steps)) return;
  event.preventDefault();
  choose(steps[event.key]);
}

if (palette) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]")) open();
  });
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  palette.addEventListener("keydown", moved);
  palette.querySelector("form").addEventListener("submit", (event) => {
    const hit = options()[chosen()];
    if (!hit) return;
    event.preventDefault();
    location.assign(hit.dataset.url);
  });
  list.addEventListener("click", (event) => {
    const hit = event.target.closest("[role=option]");
    if (hit) location.assign(hit.dataset.url);
  });
}
