// The evidence form counts what is typed and saves it by itself; who saves by hand also saves at Stripe.
const form = document.querySelector("[data-evidence]");
const state = document.querySelector("[data-save-state]");
const PAUSE = 4000;
const MOST_BYTES = 4_500_000;
const number = (count) => count.toLocaleString("en-GB");
let timer;
let changed = false;
let stopped = false;

function say(words, failed = false) {
  state.textContent = words;
  state.toggleAttribute("data-failed", failed);
}

function count(field) {
  const shown = form.querySelector(`[data-letters="${field.name}"]`);
  if (shown) {
    shown.textContent = number(field.value.length);
    shown.toggleAttribute("data-too-long", field.value.length > Number(field.dataset.most));
  }
  const all = document.querySelector("[data-letters-all]");
  const texts = [...form.elements].filter((one) => one.matches("textarea, input.form-control:not([type=file])"));
  all.textContent = number(texts.reduce((sum, one) => sum + one.value.length, 0));
}

async function save() {
  if (!changed || stopped || form.dataset.sending) return;
  changed = false;
  say("Saving…");
  const body = new FormData(form);
  for (const field of form.querySelectorAll("input[type=file]")) body.delete(field.name);
  try {
    const answer = await fetch(form.dataset.evidence, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
    const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    if (answer.ok && told.number) {
      form.elements.number.value = told.number;
      say("Saved here a moment ago");
      return;
    }
    // Somebody else was first, or the session ended: saving by hand shows what to do.
    stopped = true;
    say(told.error ?? "Not saved by itself any more. Save the draft to see why.", true);
  } catch {
    changed = true;
    say("Not saved: the line is down. It is tried again while you write.", true);
  }
}

form.addEventListener("input", (event) => {
  if (event.target.type === "file") return;
  count(event.target);
  changed = true;
  if (!stopped) say("Not saved yet");
  clearTimeout(timer);
  timer = setTimeout(save, PAUSE);
});

form.addEventListener("change", (event) => {
  if ("redraw" in event.target.dataset) form.requestSubmit();
  if (event.target.type !== "file") return;
  const [file] = event.target.files;
  event.target.setCustomValidity(file && file.size > MOST_BYTES ? `This file has ${(file.size / 1e6).toFixed(2)} MB; 4.5 MB fit.` : "");
  event.target.reportValidity();
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") save();
});

// What is only on the screen is not thrown away by a slip of the hand.
addEventListener("beforeunload", (event) => {
  if (changed && !form.dataset.sending) event.preventDefault();
});
