// Something is on its way: ask how it stands, and load the page again once that has changed.
const waiting = document.querySelector("[data-waiting]");
const EVERY = 3000;

async function look() {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(waiting.dataset.waiting, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (answer.ok && (await answer.json()).state !== waiting.dataset.state) {
        location.reload();
        return;
      }
    } catch {
      // The line is down; the next look may succeed.
    }
  }
  setTimeout(look, EVERY);
}

if (waiting) setTimeout(look, EVERY);
