// Copy buttons: [data-copy] holds the text, [data-copy-from] the id of the element that does.
const murmur = document.querySelector("[data-murmur]");
let hush;

function say(words) {
  if (!murmur) return;
  murmur.textContent = words;
  murmur.dataset.shown = "";
  clearTimeout(hush);
  hush = setTimeout(() => delete murmur.dataset.shown, 1600);
}

async function copy(text) {
  // Without https the browser hides the clipboard; a selected text field still copies.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "heard";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).textContent;
  try {
    await copy(text);
    say("Copied");
  } catch {
    say("Copying was not allowed");
  }
});
