// <time data-when> is written in UTC by the server and rewritten here in the reader's time zone; UTC stays on hover.
const thisYear = new Date().getFullYear();
const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const calendar = { day: "numeric", month: "short" };
const near = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const steps = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

function relative(instant) {
  const seconds = Math.round((instant - Date.now()) / 1000);
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return near.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 0 ? "in moments" : "just now";
}

function written(instant, style) {
  if (style === "relative" && Math.abs(instant - Date.now()) < 30 * 86400e3) return relative(instant);
  const year = instant.getFullYear() === thisYear ? {} : { year: "numeric" };
  const parts = { time: clock, date: { ...calendar, ...year } }[style] ?? { ...calendar, ...year, ...clock };
  return new Intl.DateTimeFormat("en-GB", parts).format(instant);
}

function rewrite() {
  for (const time of document.querySelectorAll("time[data-when]")) {
    const instant = new Date(time.dateTime);
    if (!Number.isNaN(instant.getTime())) time.textContent = written(instant, time.dataset.when);
  }
}

// <span data-left="…">: how long something still holds, to the second.
function countDown() {
  for (const left of document.querySelectorAll("[data-left]")) {
    const seconds = Math.max(0, Math.round((new Date(left.dataset.left) - Date.now()) / 1000));
    if (Number.isNaN(seconds)) continue;
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} more`;
  }
}

rewrite();
setInterval(rewrite, 30_000);
if (document.querySelector("[data-left]")) {
  countDown();
  setInterval(countDown, 1_000);
}
